"""tls_uninspected: bytes left inside TLS that no probe and no proxy could read.

Owns how many of them count. What was seen of each connection is in the ledger. A handshake that
came to nothing is told, too, with less weight: nothing left, but what would have is not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.ledger import Entry
from pytest_ato.model.findings import Category, Evidence, Finding, Severity

MAX_OPAQUE: Final = 16
"""Bytes to one destination, unless the policy's `max_opaque_bytes` says otherwise: as many as the
shortest piece by which a planted value is known."""
_SHOWN: Final = 5
_HANDSHAKES: Final = {
    "": "nobody answered",
    "failed": "the handshake failed",
    "intercepted": "nothing was said after the handshake",
    "refused": "the certificate was refused",
}


class TlsUninspected(Detector):
    """One finding for each destination."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-EVA-019",
        name="tls_uninspected",
        category=Category.EVASION,
        severity=Severity.MEDIUM,
        title="Bytes left inside TLS that nobody could read",
        technique="T1573.002",
        fires="more than 16 bytes of application data went to one destination inside TLS, and "
        "neither a library's probe nor the proxy saw them; low: a handshake that came to nothing, "
        "or after which nothing was said, unless that is for want of a proxy",
        silent="a connection of which a probe or the proxy saw the plaintext; handshakes, tags "
        "and alerts do not count",
        needs=frozenset({"sinkhole", "open"}),
    )

    def finish(self) -> Iterable[Finding]:
        """Add up the ledger by destination."""
        given = self.context.terms.policy.max_opaque_bytes
        limit = MAX_OPAQUE if given is None else given
        ledger = self.context.connections.ledger
        told: set[str] = set()
        for destination, entries in ledger.opaque.items():
            size = sum(entry.opaque_out for entry in entries)
            if size > limit:
                told.add(destination)
                yield self._opaque(destination, entries, size)
        for destination, entry in ledger.unanswered.items():
            if destination not in told:
                yield self._unanswered(destination, entry)

    def _opaque(self, destination: str, entries: list[Entry], size: int) -> Finding:
        first = entries[0]
        by = f" by {first.process.label}" if first.process else ""
        return self.finding(
            key=destination,
            title=f"{size:,} bytes to {destination}{by} inside TLS that nobody could read",
            evidence=[_evidence(entry, _figures(entry)) for entry in entries[:_SHOWN]],
            where=destination,
            process=first.process,
            count=len(entries),
        )

    def _unanswered(self, destination: str, entry: Entry) -> Finding:
        by = f" by {entry.process.label}" if entry.process else ""
        why = f" ({entry.reason})" if entry.reason else ""
        start = self.context.start
        if start is not None and not start.tls_proxy:
            cause, severity = "for want of a proxy (mitmproxy, see `ato doctor`)", Severity.MEDIUM
        else:
            cause, severity = "as with a client that does not like the certificate", Severity.LOW
        return self.finding(
            key=f"unanswered:{destination}",
            title=f"TLS{by} with {destination} came to nothing, {cause}: what it would have sent "
            "is not known",
            severity=severity,
            evidence=[_evidence(entry, f"{_HANDSHAKES[entry.handshake]}{why}")],
            where=destination,
            process=entry.process,
        )


def _figures(entry: Entry) -> str:
    share = f"{entry.seen_out:,} of {entry.carried_out:,} bytes of plaintext were seen"
    return f"{share} ({', '.join(entry.via) or 'no source'}), {entry.wire_out:,} on the wire"


def _evidence(entry: Entry, text: str) -> Evidence:
    name = f", asked for as {entry.name}" if entry.name else ""
    pid = entry.process.pid if entry.process else 0
    return Evidence(ts=entry.ts, text=f"{entry.destination}{name}: {text}", pid=pid)
