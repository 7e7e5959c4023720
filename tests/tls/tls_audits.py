"""Audits the clients of the matrix, and says what came of each: for the test and for the page.

Owns how they are run: one after the other, in one audit. What should come of each is `matrix`'s.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Final

from matrix import FOUND, HERE, ROWS, Row

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.model.report import TlsConnection, TlsCoverage
from pytest_ato.settings.grammar import Include
from pytest_ato.target.resolve import resolve

TIMEOUT: Final = 240.0
_SHARED: Final = "/opt/shared"
_COMPANIONS: Final = {
    "Client.class": "build/Client.class",
    "uv": "build/site/bin/uv",
    "hugo": "build/site/hugo/binaries/hugo",
    **{
        name: f"build/site/{name}"
        for name in ("requests", "urllib3", "idna", "certifi", "charset_normalizer")
    },
}
"""Names below `/opt/shared` to what is shown there."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What came of one client."""

    row: Row
    connections: tuple[TlsConnection, ...]
    """Those to the client's host."""
    ways: tuple[str, ...]
    """Titles of the findings of its planted value."""
    findings: frozenset[str]
    """Detectors that have a finding about its host."""

    @property
    def via(self) -> frozenset[str]:
        """Sources that saw plaintext."""
        return frozenset(via for one in self.connections for via in one.via)

    @property
    def found(self) -> bool:
        """The planted value was found inside TLS."""
        return any("tls" in way.split(" as ")[-1] for way in self.ways)

    @property
    def opaque_share(self) -> float:
        """0 to 1, the largest of its connections'."""
        return max((one.opaque_share for one in self.connections), default=0.0)

    @property
    def problems(self) -> tuple[str, ...]:
        """In what it is not as the matrix says."""
        row = self.row
        problems = []
        if not self.connections:
            problems.append("no TLS connection is in the ledger")
        if row.finding not in self.findings:
            problems.append(f"no {row.finding}, but {sorted(self.findings) or 'nothing'}")
        if self.found != (row.finding == FOUND):
            problems.append(f"the value was {'' if self.found else 'not '}found: {self.ways}")
        if self.via != set(row.via):
            problems.append(f"seen by {sorted(self.via) or 'nobody'}")
        if bool(self.opaque_share) != bool(row.opaque):
            problems.append(f"{self.opaque_share:.2%} stayed opaque")
        return tuple(problems)


def build() -> None:
    """Compile and fetch what is no script."""
    subprocess.run(["make", "-s", "-j2", "-C", HERE, f"PYTHON={sys.executable}"], check=True)


def audit(auditor: Auditor) -> Outcome:
    """Run every client under capture, with the sinkhole for a network."""
    places = {name: HERE / source for name, source in _COMPANIONS.items()}
    places |= {f"clients/{row.name}": row.path for row in ROWS}
    include = [Include(str(source), f"{_SHARED}/{name}") for name, source in places.items()]
    target = resolve(str(HERE / "clients" / "every.sh"), include)
    names = tuple(row.name for row in ROWS)
    options = Options(args=names, timeout=TIMEOUT, env={"PYTHONPATH": _SHARED})
    return auditor.audit(target, options)


def observe(outcome: Outcome) -> list[Observation]:
    """What came of each client, in the order of the matrix."""
    return [_observe(row, outcome) for row in ROWS]


def _observe(row: Row, outcome: Outcome) -> Observation:
    report = outcome.report
    host = f"{row.name}.vendor.example:443"
    tls = report.coverage.tls
    entries = tls.entries if isinstance(tls, TlsCoverage) else ()
    mine = [finding for finding in report.findings if host in finding.where]
    return Observation(
        row=row,
        connections=tuple(one for one in entries if one.destination == host),
        ways=tuple(finding.title for finding in mine if finding.detector == FOUND),
        findings=frozenset(finding.detector for finding in mine),
    )
