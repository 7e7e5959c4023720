"""What the report says of the traffic: the ledger of TLS, and the HTTP requests.

Owns the mapping from what detectors share, every string masked and made printable on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_ato.detectors.exchanges import Exchanges, Seen
from pytest_ato.detectors.ledger import Entry, Ledger
from pytest_ato.detectors.traffic import Exchange
from pytest_ato.evidence.views import View
from pytest_ato.model.octets import octets
from pytest_ato.model.report import Request, TlsConnection, TlsCoverage
from pytest_ato.reports.words import counted

LISTED = 100
"""Connections, and requests, that a report lists."""


def tls(ledger: Ledger, view: View) -> TlsCoverage | None:
    """The ledger, the connections with most opaque bytes first; None: there was no TLS."""
    sums = ledger.sums
    if not sums.connections:
        return None
    entries = sorted(ledger.entries, key=lambda one: -(one.opaque_out + one.opaque_in))
    return TlsCoverage(
        connections=sums.connections,
        wire=sums.wire,
        carried=sums.carried,
        seen=sums.seen,
        opaque=sums.opaque,
        opaque_share=_share(sums.opaque, sums.carried),
        by=dict(sorted(sums.by.items())),
        entries=tuple(_connection(entry, view) for entry in entries[:LISTED]),
    )


def sentences(ledger: Ledger) -> Iterator[str]:
    """What the ledger says in words."""
    sums = ledger.sums
    if not sums.connections:
        return
    by = ", ".join(f"{via} {count}" for via, count in sorted(sums.by.items()))
    seen = f"the plaintext of {sums.seen:,} bytes was seen ({by})" if by else "none was seen into"
    yield (
        f"TLS: {counted(sums.connections, 'connection')}, {sums.wire:,} bytes on the wire; {seen}, "
        f"{sums.opaque:,} bytes stayed opaque"
    )
    if sums.connections > len(ledger.entries):
        yield f"of {sums.connections:,} TLS connections, {len(ledger.entries):,} are listed"


def requests(exchanges: Exchanges, view: View) -> tuple[Request, ...]:
    """The first HTTP requests, in the order in which they were sent."""
    return tuple(_request(seen, view) for seen in exchanges.all[:LISTED])


def _connection(entry: Entry, view: View) -> TlsConnection:
    carried = max(entry.carried_out, entry.seen_out) + max(entry.carried_in, entry.seen_in)
    return TlsConnection(
        destination=view.text(entry.destination),
        name=view.text(entry.name),
        address=view.text(entry.address),
        port=entry.port,
        process=view.text(entry.process.label) if entry.process else "",
        pid=entry.process.pid if entry.process else 0,
        handshake=entry.handshake or "not seen",
        via=entry.via,
        seen_by=dict(entry.seen_by),
        wire_out=entry.wire_out,
        wire_in=entry.wire_in,
        seen_out=entry.seen_out,
        seen_in=entry.seen_in,
        opaque_out=entry.opaque_out,
        opaque_in=entry.opaque_in,
        opaque_share=_share(entry.opaque_out + entry.opaque_in, carried),
    )


def _request(seen: Seen, view: View) -> Request:
    exchange: Exchange = seen.exchange
    request = exchange.request
    names = dict.fromkeys(view.text(octets(name), 60) for name, _ in request.headers[:64])
    return Request(
        ts=exchange.ts,
        method=view.text(octets(request.method), 40),
        url=view.text(exchange.url),
        host=view.text(octets(request.host)),
        destination=view.text(exchange.destination),
        process=view.text(exchange.process.label) if exchange.process else "",
        channel=exchange.channel,
        version=request.version,
        headers=tuple(names),
        body_bytes=seen.body,
    )


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
