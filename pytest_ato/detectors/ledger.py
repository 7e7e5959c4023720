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
from pytest_ato.protocols.tls import Hello, Records

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
    via: tuple[str, ...]
    """The sources that did."""
    hello: Hello | None
    """The client's, as far as the wire shows it."""
    handshake: str
    """intercepted, refused or failed, as the proxy told; empty: no proxy was on the way."""
    reason: str = ""

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
        """Whether a client began, and neither plaintext nor a refusal followed."""
        return (
            self.hello is not None
            and not (self.carried_out or self.seen_out)
            and self.handshake in ("", "failed")
        )


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
    seen_out = connection.plain.position - connection.plain.missing
    seen_in = max((seen["in"] for seen in connection.seen.values()), default=0)
    client, server = connection.records.get("out"), connection.records.get("in")
    chosen = server.hello if server else None
    place, handshake = connection.place, connection.handshake
    name = (client.hello.server_name if client and client.hello else b"") or (
        raw(handshake.sni) if handshake else b""
    )
    return Entry(
        ts=connection.begun,
        destination=place.destination,
        name=printable_name(octets(name)),
        address=place.address,
        port=place.port,
        process=place.process,
        wire_out=connection.sent,
        wire_in=connection.received,
        carried_out=_carried(client, chosen, connection.sent - connection.clear, seen_out),
        carried_in=_received(connection, chosen, seen_in),
        seen_out=seen_out,
        seen_in=seen_in,
        via=tuple(sorted(connection.seen)),
        hello=client.hello if client else None,
        handshake=handshake.outcome if handshake else "",
        reason=show(handshake.reason, 100) if handshake else "",
    )


def _carried(client: Records | None, chosen: Hello | None, wire: int, seen: int) -> int:
    """Plaintext in `wire` bytes from a client: counted record by record as far as they were
    recorded, in proportion beyond."""
    if client is None:
        return seen
    exact = client.plaintext(chosen, client.application)
    rest = wire - client.read
    if rest <= 0:
        return exact
    number, size = client.application
    share = exact / (size + number * _HEAD) if exact else _FULL_RECORD
    estimate = exact + int(rest * (1.0 if client.lost else share))
    is_noise = abs(estimate - seen) <= _TOLERANCE * rest
    return seen if is_noise else estimate


def _received(connection: Connection, chosen: Hello | None, seen: int) -> int:
    """Plaintext from the server, without its part of the handshake."""
    server = connection.records.get("in")
    if server is None:
        return seen
    number, size = server.application
    first, flight = connection.flight
    carried = server.plaintext(chosen, (number - first, size - flight))
    carried += max(0, connection.received - server.read)
    return max(min(carried, seen), carried - _TICKETS)
