"""The items of a target: `name::capture`, one for each category, `name::verdict`.

Owns what makes each of them pass, fail or skip. The audit happens in the setup of whichever runs
first, so what cannot be audited is an error of every item, and a finding is a failure of one.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NoReturn

import pytest

from pytest_ato import acceptance, wording
from pytest_ato.detectors import registry
from pytest_ato.model.errors import AtoError, SigningError
from pytest_ato.model.octets import show
from pytest_ato.model.verdict import Verdict, fails
from pytest_ato.plugin.properties import record
from pytest_ato.plugin.session import session_of

if TYPE_CHECKING:
    from pytest_ato.audit import Outcome
    from pytest_ato.plugin.subjects import Judged, Subject


class TargetCollector(pytest.Collector):
    """One target of the command line; hangs directly below the session, beside the test files."""

    subject: Subject

    @classmethod
    def of(cls, parent: pytest.Session, name: str, subject: Subject) -> TargetCollector:
        """Make the collector of one target; its node id is `name` alone."""
        collector: TargetCollector = cls.from_parent(parent, name=name, nodeid=name)
        collector.subject = subject
        return collector

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the items; nothing is audited yet."""
        yield CaptureItem.from_parent(self, name="capture")
        session = session_of(self.config)
        inputs = {"", *session.inputs.terms.inputs}
        watching = [one for one in session.definitions if one.input in inputs]
        for category in registry.categories(watching):
            yield CategoryItem.from_parent(self, name=str(category))
        yield VerdictItem.from_parent(self, name="verdict")


def collectors(session: pytest.Session) -> Iterator[TargetCollector]:
    """Make the collectors of the targets of the command line."""
    for name, subject in session_of(session.config).subjects.items():
        yield TargetCollector.of(session, name, subject)


class AuditItem(pytest.Item):
    """One question about an audit."""

    parent: TargetCollector
    outcome: Outcome
    judged: Judged

    def setup(self) -> None:
        """Audit the target, or take what was found when an earlier item did."""
        session = session_of(self.config)
        problem = None
        try:
            self.outcome = session.outcome(self.parent.subject)
            self.judged = session.judge(self.outcome)
        except SigningError as error:
            problem = f"{self.parent.name}: {show(str(error), 600)}"
        except AtoError as error:
            problem = f"{self.parent.name} could not be audited: {show(str(error), 600)}"
        if problem is not None:  # outside of `except`, where pytest would show both errors
            pytest.fail(problem, pytrace=False)
        record(self, self.outcome)

    @abstractmethod
    def runtest(self) -> None:
        """Pass, fail or skip by the outcome."""

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """The item as pytest names it in headings; there is no source line to show."""
        return self.config.rootpath / self.parent.name, None, self.nodeid

    def require_whole_capture(self, question: str) -> None:
        """Fail, or skip where that is allowed, when an absence would prove nothing."""
        judgement = self.judged.judgement
        if judgement.conclusive:
            return
        if session_of(self.config).settings.allow_inconclusive:
            pytest.skip(f"{question}: the capture was not whole: {judgement.inconclusive[0]}")
        lines = [f"{question}: the capture was not whole, so an absence proves nothing"]
        self.fail([*lines, *wording.incomplete(judgement.inconclusive)], ["allow-inconclusive"])

    def fail(self, lines: Iterable[str], options: Iterable[str]) -> NoReturn:
        """Fail with `lines`, where the report is, and the command that would accept it."""
        flags = [f"--ato-{option}" for option in options]
        last = f"accept it with: {session_of(self.config).command_with(flags)}"
        text = [*lines, wording.report_line(self.outcome.directory), last]
        pytest.fail("\n".join(text), pytrace=False)


class CaptureItem(AuditItem):
    """Was the capture whole?"""

    def runtest(self) -> None:
        """Pass if it was."""
        self.require_whole_capture("capture")


class CategoryItem(AuditItem):
    """Is there a finding of this category that fails the gate?"""

    def runtest(self) -> None:
        """Fail from the severity that leads to `--ato-fail-on`'s verdict upwards."""
        judgement = self.judged.judgement
        fail_on = session_of(self.config).settings.fail_on
        found = [finding for finding in judgement.findings if finding.category == self.name]
        bad = acceptance.failing(found, fail_on)
        if not bad:
            self.require_whole_capture(self.name)
            if self.name in self.judged.unjudged:
                pytest.skip(f"not judged: {self.judged.unjudged[self.name]}")
            if found:
                self.add_report_section("call", "ato", "\n".join(wording.findings_text(found)))
            return
        lines = [wording.headline(self.name, bad), *wording.findings_text(bad)]
        milder = [finding for finding in found if finding not in bad]
        if milder:
            lines += [f"also, below --ato-fail-on={fail_on}:", *wording.findings_text(milder)]
        self.fail(lines, acceptance.allowing(bad))


class VerdictItem(AuditItem):
    """Does the verdict pass the gate?"""

    def runtest(self) -> None:
        """Fail as `--ato-fail-on` and `--ato-allow-inconclusive` say."""
        judgement = self.judged.judgement
        settings = session_of(self.config).settings
        if self.outcome.unsigned:
            self.warn(pytest.PytestWarning(wording.unsigned(self.outcome.unsigned)))
        if not fails(judgement.verdict, settings.fail_on, settings.allow_inconclusive):
            return
        lines = [f"verdict {judgement.verdict}: {judgement.reason}"]
        if judgement.verdict is Verdict.INCONCLUSIVE:
            lines += wording.incomplete(judgement.inconclusive)
        self.fail(
            lines,
            acceptance.accepting(
                self.outcome.report, judgement, settings.fail_on, settings.allow_inconclusive
            ),
        )
