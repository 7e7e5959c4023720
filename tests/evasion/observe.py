"""Audits the programs of the suite, and says what came of each: for the test and for the page.

Owns how a way is run. What should come of it is `suite`'s.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Final

from suite import PROGRAMS, Way

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.model.verdict import Verdict
from pytest_ato.settings.grammar import Include
from pytest_ato.target.resolve import resolve

TIMEOUT: Final = 20.0
_SHORT: Final = {"sleeper": 1.0}
"""Seconds after which a way is stopped."""
_REFUSALS: Final = frozenset(
    {"ENOSYS", "EPERM", "EACCES", "ENOSPC", "EAFNOSUPPORT", "EPROTONOSUPPORT", "EINVAL"}
)
_SHARED: Final = "/opt/shared"
_COMPANIONS: Final = ("way_out.py", "build/child32")


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What one audit of a way came to."""

    way: Way
    verdict: Verdict
    performed: bool
    """The program says that its trick worked."""
    blocked: str
    """The error that the kernel answered instead, by name; or empty."""
    findings: frozenset[str]
    """Names of the detectors that found something which counts."""
    sentences: tuple[str, ...]
    """What the report says of gaps, ceilings and conditions."""

    @property
    def refused(self) -> bool:
        """A kernel (or its administrator) did not give what the trick stands on elsewhere, such as
        io_uring or user namespaces."""
        return self.blocked in _REFUSALS and not self.way.expected.startswith("blocked:")

    @property
    def result(self) -> str:
        """As in `suite.EXPECTED` where that holds, else what is the case instead."""
        return self.way.expected if self._holds() else self._otherwise()

    def _holds(self) -> bool:
        kind, _, what = self.way.expected.partition(":")
        done = bool(self.blocked) if kind == "blocked" else self.performed
        if kind == "degraded":
            return done and any(what in sentence for sentence in self.sentences)
        return done and what in self.findings

    def _otherwise(self) -> str:
        did = "performed" if self.performed else f"blocked ({self.blocked or 'it failed'})"
        return f"{did}: {', '.join(sorted(self.findings)) or 'no finding'}; {self.verdict}"


def build() -> None:
    """Compile the programs that are C."""
    subprocess.run(["make", "-s", "-C", PROGRAMS], check=True)


def audit(auditor: Auditor, way: Way) -> Outcome:
    """Run one way under capture, with the sinkhole for a network."""
    companions = [PROGRAMS / name for name in _COMPANIONS]
    include = [Include(str(path), f"{_SHARED}/{path.name}") for path in companions]
    options = Options(timeout=_SHORT.get(way.name, TIMEOUT), env={"PYTHONPATH": _SHARED})
    return auditor.audit(resolve(str(way.program), include), options, directory=way.name)


def observe(way: Way, outcome: Outcome) -> Observation:
    """What that run came to."""
    report = outcome.report
    lines = outcome.stdout.decode("utf-8", "replace").splitlines()
    refusals = [line.removeprefix("blocked: ") for line in lines if line.startswith("blocked: ")]
    return Observation(
        way=way,
        verdict=report.verdict,
        performed="performed" in lines,
        blocked=refusals[0] if refusals else "",
        findings=frozenset(finding.detector for finding in report.findings),
        sentences=(report.reason, *report.inconclusive, *report.conditions),
    )
