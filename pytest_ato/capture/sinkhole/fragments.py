"""Fragments of IP datagrams put together again.

Owns a small table of unfinished datagrams. The fragments come from the target's own kernel over
one link, so they come in order; anything else (a gap, an overlap, a full table) is given back as
it is, never thrown away, and never guessed at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

UNFINISHED = 64
LONGEST = 65_535 + 64


@dataclass(frozen=True, slots=True)
class Fragment:
    """An IP datagram, or a part of one: `offset` bytes of its payload came before."""

    source: str
    destination: str
    protocol: int
    payload: bytes
    ident: int = 0
    offset: int = 0
    more: bool = False

    @property
    def fragmented(self) -> bool:
        """Whether this is less than the whole."""
        return self.more or self.offset > 0


_Key: TypeAlias = tuple[str, str, int, int]


class Reassembler:
    """At most `UNFINISHED` datagrams of at most `LONGEST` bytes at a time."""

    def __init__(self) -> None:
        self._parts: dict[_Key, tuple[Fragment, bytearray]] = {}

    def add(self, part: Fragment) -> list[Fragment]:
        """Take one fragment; returns the datagram that it completes, or parts given up."""
        key = (part.source, part.destination, part.protocol, part.ident)
        if part.offset == 0:
            given_up = self._give_up(key)
            if len(self._parts) >= UNFINISHED:
                given_up += self._give_up(next(iter(self._parts)))
            self._parts[key] = (part, bytearray(part.payload))
            return given_up
        known = self._parts.get(key)
        if known is None:
            return [part]
        body = known[1]
        if part.offset != len(body) or len(body) + len(part.payload) > LONGEST:
            return [*self._give_up(key), part]
        body += part.payload
        return [] if part.more else self._give_up(key)

    def flush(self) -> list[Fragment]:
        """Give up everything unfinished."""
        return [datagram for key in list(self._parts) for datagram in self._give_up(key)]

    def _give_up(self, key: _Key) -> list[Fragment]:
        known = self._parts.pop(key, None)
        if known is None:
            return []
        first, body = known
        return [replace(first, payload=bytes(body), more=False)]
