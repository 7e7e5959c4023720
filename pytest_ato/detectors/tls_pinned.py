"""tls_pinned: the target does not accept the certificate that the sandbox's own trust store does.

Owns what a refusal is. A program that brings its own list of authorities refuses as one that pins
a certificate does: what either would send stays unseen. A handshake that failed otherwise is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pytest_ato.detectors.connections import UNKNOWN
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.names import printable_name
from pytest_ato.model.events import Handshake
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event


class TlsPinned(Detector):
    """One finding for each destination whose certificate was refused."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-EVA-020",
        name="tls_pinned",
        category=Category.EVASION,
        severity=Severity.MEDIUM,
        title="The client refuses the certificate of the session's authority",
        technique="T1573.002",
        fires="a client that was shown a certificate of the session's authority, which every "
        "trust store of the sandbox holds, ends the handshake",
        silent="a server that is down, a handshake that fails for another reason",
        wants=(Handshake,),
        needs=frozenset({"sinkhole", "open"}),
    )

    def process(self, event: Event) -> Iterable[Finding]:
        """Tell each refusal; equal ones become one finding."""
        if isinstance(event, Handshake) and event.outcome == "refused":
            yield self._finding(event)

    def _finding(self, event: Handshake) -> Finding:
        place = self.context.connections.place(event.connection)
        destination = place.destination if place else UNKNOWN
        process = place.process if place else None
        by = process.label if process else "the target"
        name = printable_name(event.sni)
        reason = f": {show(event.reason, 100)}" if event.reason else ""
        text = f"asked for {name or 'no name'}, refused the certificate{reason}"
        return self.finding(
            key=destination,
            title=f"{by} refused the session's certificate for {name or destination} at "
            f"{destination}: what it would have sent is not known",
            evidence=[Evidence(ts=event.ts, text=text, pid=process.pid if process else 0)],
            where=destination,
            process=process,
        )
