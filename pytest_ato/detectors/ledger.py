"""The ledger of TLS: of each connection, what went over the wire and what of it anybody could read.

Owns the arithmetic. Bytes of plaintext are counted where a source saw them, and worked out from the
wire: what its records can hold, without their heads, tags and the handshake. The difference stayed
opaque. Records beyond those that were recorded are taken to be as the others; what that leaves is
no finding below two in a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pytest_ato.detectors.connection import Connection
from pytest_ato.detectors.names import printable_name
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.model.octets import octets, raw, show
from pytest_ato.protocols.tls import Hello

MAX_ENTRIES: Final = 1000
"""Connections that are kept one by one; all of them are in the sums."""
_TICKETS: Final = 2048
"""Bytes from a server that are left out: session tickets, which look like data."""
_TOLERANCE: Final = 0.02
"""Of what was not counted record by record."""
_HEAD: Final = 5
_FULL_RECORD: Final = (16 << 10) / ((16 << 10) + 22)


@dataclass(frozen=True, slots=True)
class Entry:
    """One TLS connection; all sizes in bytes."""

    ts: int
    latest: int
    """Time of its last record."""
    destination: str
    name: str
    """What the client asked for by SNI; empty when it did not."""
    address: str
    port: int
    process: ProcessState | None
    wire_out: int
    wire_in: int
    carried_out: int
    """Plaintext that went to the peer, as far as the wire tells."""
    carried_in: int
    seen_out: int
    seen_in: int
    """Of it, what any source saw."""
    seen_by: tuple[tuple[str, int], ...]
    """The sources that did, and the bytes of both directions that each saw."""
    hello: Hello | None
    """The client's, as far as the wire shows it."""
    handshake: str
    """intercepted, refused or failed, as the proxy told; empty: no proxy was on the way."""
    reason: str = ""

    @property
    def via(self) -> tuple[str, ...]:
        """The sources that saw plaintext."""
        return tuple(source for source, _ in self.seen_by)

    @property
    def opaque_out(self) -> int:
        """Bytes to the peer that nobody could read."""
        return max(0, self.carried_out - self.seen_out)

    @property
    def opaque_in(self) -> int:
        """Bytes from the peer that nobody could read."""
        return max(0, self.carried_in - self.seen_in)

    @property
    def came_to_nothing(self) -> bool:
        """Whether a client began, and neither plaintext nor a refusal followed. One that looks
        at the certificate only after the handshake takes its leave without a word."""
        silent = not (self.carried_out or self.seen_out)
        began = self.hello is not None or self.handshake == "failed"
        return began and silent and self.handshake != "refused"


@dataclass(slots=True)
class Sums:
    """Over all connections; bytes of both directions."""

    connections: int = 0
    wire: int = 0
    carried: int = 0
    seen: int = 0
    opaque: int = 0
    by: dict[str, int] = field(default_factory=dict)
    """Connections of which a source saw the plaintext."""


class Ledger:
    """All entries of one audit, in the order in which the connections were settled."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.sums = Sums()
        self.opaque: dict[str, list[Entry]] = {}
        """Those with bytes to the peer that nobody could read, by destination."""
        self.unanswered: dict[str, Entry] = {}
        """The first for each destination whose handshake came to nothing without a refusal."""

    def add(self, connection: Connection) -> None:
        """Settle one connection."""
        entry = settle(connection)
        sums = self.sums
        sums.connections += 1
        sums.wire += entry.wire_out + entry.wire_in
        sums.carried += max(entry.carried_out, entry.seen_out)
        sums.carried += max(entry.carried_in, entry.seen_in)
        sums.seen += entry.seen_out + entry.seen_in
        sums.opaque += entry.opaque_out + entry.opaque_in
        for via in entry.via:
            sums.by[via] = sums.by.get(via, 0) + 1
        if entry.opaque_out and len(self.opaque) < MAX_ENTRIES:
            self.opaque.setdefault(entry.destination, []).append(entry)
        if entry.came_to_nothing and len(self.unanswered) < MAX_ENTRIES:
            self.unanswered.setdefault(entry.destination, entry)
        if len(self.entries) < MAX_ENTRIES:
            self.entries.append(entry)


def settle(connection: Connection) -> Entry:
    """Work out what one connection carried."""
    place, handshake = connection.place, connection.handshake
    client = connection.records.get("out")
    hello = client.hello if client else None
    name = hello.server_name if hello else raw(handshake.sni) if handshake else b""
    seen_out = connection.plain.position - connection.plain.missing
    seen_in = max((seen["in"] for seen in connection.seen.values()), default=0)
    carried_out, carried_in = _carried(connection, seen_out, seen_in)
    return Entry(
        ts=connection.begun,
        latest=connection.latest,
        destination=place.destination,
        name=printable_name(octets(name)),
        address=place.address,
        port=place.port,
        process=place.process,
        wire_out=connection.sent,
        wire_in=connection.received,
        carried_out=carried_out,
        carried_in=carried_in,
        seen_out=seen_out,
        seen_in=seen_in,
        seen_by=_seen_by(connection),
        hello=hello,
        handshake=handshake.outcome if handshake else "",
        reason=show(handshake.reason, 100) if handshake else "",
    )


def _seen_by(connection: Connection) -> tuple[tuple[str, int], ...]:
    sums = {via: sum(seen.values()) for via, seen in connection.seen.items()}
    return tuple(sorted((via, size) for via, size in sums.items() if size))


def _carried(connection: Connection, seen_out: int, seen_in: int) -> tuple[int, int]:
    """Plaintext to and from the peer. What sources counted is exact; the proxy counts all that it
    decrypts, so that the wire is asked only where no proxy was."""
    told = [told["out"] for told in connection.told.values()]
    counted_out = max((seen_out, *told))
    counted_in = max((seen_in, *(told["in"] for told in connection.told.values())))
    handshake = connection.handshake
    if handshake is not None and handshake.outcome == "intercepted" and "proxy" in connection.told:
        return counted_out, counted_in
    server = connection.records.get("in")
    chosen = server.hello if server else None
    return (
        max(counted_out, _sent(connection, chosen, counted_out)),
        max(counted_in, _received(connection, chosen, counted_in)),
    )


def _sent(connection: Connection, chosen: Hello | None, counted: int) -> int:
    """Plaintext to the peer by the wire: record by record as far as they were recorded, in
    proportion beyond."""
    client = connection.records.get("out")
    if client is None:
        return counted
    exact = client.plaintext(chosen, client.application)
    rest = connection.sent - connection.clear - client.read - client.waiting
    if rest <= 0:
        return exact
    number, size = client.application
    share = exact / (size + number * _HEAD) if exact else _FULL_RECORD
    estimate = exact + int(rest * (1.0 if client.lost else share))
    return counted if abs(estimate - counted) <= _TOLERANCE * rest else estimate


def _received(connection: Connection, chosen: Hello | None, counted: int) -> int:
    """Plaintext from the peer by the wire, without its part of the handshake."""
    server = connection.records.get("in")
    if server is None:
        return counted
    number, size = server.application
    first, flight = connection.flight
    carried = server.plaintext(chosen, (number - first, size - flight))
    carried += max(0, connection.received - server.read)
    return max(min(carried, counted), carried - _TICKETS)
