"""`Trace`: one audit as a test sees it.

Owns the names that tests use; what they hold comes from `pytest_ato.audit` and the judgement under
the names that the test accepts.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ato.plugin.findings import Findings

if TYPE_CHECKING:
    from pytest_ato.audit import Outcome
    from pytest_ato.model.events import AnyEvent
    from pytest_ato.model.findings import Finding
    from pytest_ato.model.report import Report
    from pytest_ato.model.verdict import Verdict
    from pytest_ato.plugin.subjects import Judged


class Trace:
    """What a target did in one audit, and what was found."""

    def __init__(self, outcome: Outcome, judged: Judged) -> None:
        self._outcome = outcome
        self._judged = judged

    @property
    def findings(self) -> Findings:
        """Findings of severity low and above that nobody accepted."""
        return self._judged.findings

    @property
    def waived(self) -> tuple[Finding, ...]:
        """Findings that the test, an option or the policy accepts."""
        return self._judged.judgement.waived

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Findings of severity info."""
        return self._judged.judgement.notes

    @property
    def verdict(self) -> Verdict:
        """The verdict, what the test accepts left out; compares equal to its text."""
        return self._judged.judgement.verdict

    @cached_property
    def events(self) -> tuple[AnyEvent, ...]:
        """All events in the order of the log; read from disk when first asked for."""
        return tuple(self._outcome.events())

    @property
    def returncode(self) -> int | None:
        """Exit status of the target, negative for a signal; None when it did not end by itself."""
        return self._outcome.returncode

    @property
    def stdout(self) -> bytes:
        """The first part of what the target wrote to standard output (`--ato-limit output`)."""
        return self._outcome.stdout

    @property
    def stderr(self) -> bytes:
        """The first part of what the target wrote to standard error (`--ato-limit output`)."""
        return self._outcome.stderr

    @property
    def report(self) -> Report:
        """The report as it lies in `report_dir`."""
        return self._outcome.report

    @property
    def report_dir(self) -> Path:
        """Directory of this audit's files."""
        return self._outcome.directory

    def __repr__(self) -> str:
        return f"<Trace {self.report.target.name}: {self.verdict}, {self.report_dir}>"
