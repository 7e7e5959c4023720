"""What one audit came to: its report, written and signed, and what else is made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_ato.eventlog import read_log
from pytest_ato.evidence.seal import Sealer
from pytest_ato.examination import Examination, Examined
from pytest_ato.model.errors import SigningError
from pytest_ato.model.events import AnyEvent, Signing
from pytest_ato.model.report import Report
from pytest_ato.policy import baseline
from pytest_ato.policy.observe import observe
from pytest_ato.policy.verdict import Judgement, judge
from pytest_ato.reports.build import masked
from pytest_ato.reports.directory import ReportDirectory
from pytest_ato.reports.registry import EVENTS


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one audit came to."""

    directory: Path
    """Where its files lie."""
    examined: Examined

    @property
    def report(self) -> Report:
        """The report, masked and printable."""
        return self.examined.report

    @property
    def unsigned(self) -> str:
        """Why it is not signed although it should be; empty: it is, or nobody wanted it."""
        signing = self.examined.facts.signing
        return signing.problem if signing else ""

    @property
    def stdout(self) -> bytes:
        """The first bytes that the target wrote to it, as far as its limit keeps them."""
        return self.examined.stdout

    @property
    def stderr(self) -> bytes:
        """The first bytes that the target wrote to it, as far as its limit keeps them."""
        return self.examined.stderr

    @property
    def returncode(self) -> int | None:
        """Exit status, or minus the signal; None: the target did not end by itself."""
        return self.examined.returncode

    def events(self) -> Iterator[AnyEvent]:
        """Everything that was captured, in the order of the log."""
        return read_log(self.directory / EVENTS)

    def judged(self, allow: Iterable[str]) -> Judgement:
        """The same audit, judged with `allow` (detectors or categories) accepted as well; masked
        and printable."""
        examined = self.examined
        accepted = {name: f"allowed by name: {name}" for name in allow}
        judgement = judge(
            examined.findings,
            examined.facts,
            failures=examined.failures,
            accepted=accepted,
            policy=examined.terms.policy,
        )
        return masked(judgement, examined.facts)


def conclude(
    examination: Examination,
    place: ReportDirectory,
    sealer: Sealer | None,
) -> Outcome:
    """Write the report, have it signed, and put it into its place; unsigned rather than not."""
    examined = examination.conclude()
    digests = place.write(examined.report)
    if sealer is not None:
        try:
            place.add(sealer.seal(examined.evidence, digests))
        except SigningError as error:
            examination.take(Signing(ts=examination.now(), problem=str(error)))
            examined = examination.conclude()
            place.write(examined.report)  # which says that it is not signed
    return Outcome(directory=place.commit(), examined=examined)


def update_baseline(path: Path, outcome: Outcome) -> str:
    """Write what a target did into the baseline at `path`; returns a line that says so.

    An audit whose capture was not whole changes nothing. Raises `AtoError`.
    """
    name = outcome.report.target.name
    if not outcome.report.conclusive:
        return f"baseline of {name} left as it is: the capture was not whole"
    difference = baseline.update(path, observe(outcome.directory / EVENTS))
    changes = f"{len(difference.new)} new, {len(difference.gone)} gone"
    return f"baseline of {name} {'updated: ' + changes if difference else 'is up to date'}"
