"""Audits the clients of the matrix, and says what came of each: for the test and for the page.

Owns how a client is run. What should come of it is `matrix`'s.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Final

from matrix import FOUND, HERE, Row

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.model.report import TlsConnection, TlsCoverage
from pytest_ato.settings.grammar import Include
from pytest_ato.target.resolve import resolve

TIMEOUT: Final = 60.0
_COMPANIONS: Final = {
    "java": {"build/Client.class": "/opt/shared/Client.class"},
    "uv": {"build/site/bin/uv": "/opt/shared/uv"},
    "hugo": {"build/site/hugo/binaries/hugo": "/opt/shared/hugo"},
    "python-requests": {
        f"build/site/{name}": f"/opt/shared/{name}"
        for name in ("requests", "urllib3", "idna", "certifi", "charset_normalizer")
    },
}


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What one audit of a client came to."""

    row: Row
    connections: tuple[TlsConnection, ...]
    """Those to the client's host."""
    ways: tuple[str, ...]
    """Titles of the findings that concern it, by detector."""
    findings: frozenset[str]

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
        """In what the matrix does not hold."""
        row = self.row
        problems = []
        if not self.connections:
            problems.append("no TLS connection is in the ledger")
        if row.finding not in self.findings:
            problems.append(
                f"no {row.finding}, but {', '.join(sorted(self.findings)) or 'nothing'}"
            )
        if row.finding == FOUND and not self.found:
            problems.append(f"the value was not found inside TLS: {self.ways}")
        if missing := set(row.via) - self.via:
            problems.append(f"not seen by {', '.join(sorted(missing))}")
        if row.via and self.opaque_share:
            problems.append(f"{self.opaque_share:.2%} stayed opaque")
        return tuple(problems)


def build() -> None:
    """Compile and fetch what is no script."""
    subprocess.run(["make", "-s", "-C", HERE, f"PYTHON={sys.executable}"], check=True)


def audit(auditor: Auditor, row: Row) -> Outcome:
    """Run one client under capture, with the sinkhole for a network."""
    companions = _COMPANIONS.get(row.name, {})
    include = [Include(str(HERE / source), dest) for source, dest in companions.items()]
    options = Options(timeout=TIMEOUT, env={"PYTHONPATH": "/opt/shared"})
    return auditor.audit(resolve(str(row.path), include), options, directory=row.name)


def observe(row: Row, outcome: Outcome) -> Observation:
    """What that run came to."""
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
