"""How much went to whom: connections, bytes and times for each destination.

Owns the sums and their bounds. Which destinations count at all (not the sandbox's own) is decided
by `activity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from pytest_ato.model.events import Datagram, Tcp
from pytest_ato.model.octets import raw

KEPT: Final = 500
"""Destinations that are told apart."""
OPEN_CONNECTIONS: Final = 65_536
"""Connections without an end whose bytes are kept apart; further ones count once they end."""

Key: TypeAlias = tuple[str, int, str]
"""Address, port (0: none), protocol."""


@dataclass(slots=True)
class Peer:
    """One destination."""

    address: str
    port: int
    protocol: str
    first: int
    last: int
    node: int = 0
    """Number, in the tree, of who named it first; 0: not known."""
    tried: int = 0
    arrived: int = 0
    bytes_out: int = 0
    bytes_in: int = 0

    @property
    def connections(self) -> int:
        """Those that were tried; of what comes without a call, those that arrived."""
        return max(self.tried, self.arrived)


class Traffic:
    """All destinations of one audit."""

    def __init__(self) -> None:
        self.bytes_out = 0
        """Of all that left, whether or not its destination is told apart."""
        self.bytes_in = 0
        self._peers: dict[Key, Peer] = {}
        self._streams: dict[int, tuple[int, int]] = {}
        """Of each connection without an end: bytes out and in."""

    @property
    def peers(self) -> tuple[Peer, ...]:
        """In the order of their first time."""
        return tuple(self._peers.values())

    def named(self, key: Key, ts: int, node: int, tries: int) -> None:
        """Take a call that named a destination, `tries` of which are connections of their own."""
        peer = self._peer(key, ts)
        if peer is not None:
            peer.tried += tries
            peer.node = peer.node or node

    def tcp(self, event: Tcp, is_outside: bool) -> None:
        """Take a piece of a connection, or its end."""
        known = self._streams.get(event.connection)
        if known is None and not event.closed and len(self._streams) >= OPEN_CONNECTIONS:
            return
        was_out, was_in = known or (0, 0)
        if event.closed:
            self._streams.pop(event.connection, None)
            sent, received = event.sent, event.received
        else:
            end = event.offset + len(raw(event.data))
            sent = max(was_out, end) if event.direction == "out" else was_out
            received = max(was_in, end) if event.direction == "in" else was_in
            self._streams[event.connection] = (sent, received)
        key = (event.address, event.port, "tcp")
        peer = self._peer(key, event.ts) if is_outside else None
        if peer is not None and known is None:
            peer.arrived += 1
        self._count(peer, sent - was_out, received - was_in)

    def datagram(self, event: Datagram, is_outside: bool) -> None:
        """Take a packet."""
        key = (event.address, event.port, event.protocol)
        peer = self._peer(key, event.ts) if is_outside else None
        if peer is not None:
            peer.arrived += 1
        self._count(peer, event.size, 0)

    def _count(self, peer: Peer | None, sent: int, received: int) -> None:
        self.bytes_out += sent
        self.bytes_in += received
        if peer is not None:
            peer.bytes_out += sent
            peer.bytes_in += received

    def _peer(self, key: Key, ts: int) -> Peer | None:
        peer = self._peers.get(key)
        if peer is None:
            if len(self._peers) >= KEPT:
                return None
            peer = self._peers[key] = Peer(*key, first=ts, last=ts)
        peer.last = max(peer.last, ts)
        return peer
