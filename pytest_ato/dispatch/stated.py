"""What was stated of each flow: which have news, and how much came.

Owns the numbers of the round before, bounded by the map itself: of a flow whose entry has gone they
are forgotten. Pure: it reads no map and no clock.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from pytest_ato.capture.flowabi import Totals

_NUMBERS: Final = struct.Struct("=5Q")
"""`since` and four counters: a fifth of what Python's own numbers would take."""


class News(NamedTuple):
    """A flow that had packets since it was last stated."""

    key: bytes
    since: int
    """When its entry was made, ns; the same in every row of this entry."""
    totals: Totals


@dataclass
class Came:
    """What came to all flows together since the round before."""

    packets_out: int = 0
    packets_in: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    flows: int = 0
    """Entries in the map."""


class Stated:
    """Feed it whole walks, in order."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, bytes] = {}
        self.came = Came()
        """Of the last walk."""

    def take(self, walk: Iterable[tuple[bytes, Totals]]) -> Iterator[News]:
        """Yield the flows that have news; from then on they count as stated. Take all of it."""
        before, self._numbers = self._numbers, {}
        self.came = came = Came()
        for key, totals in walk:
            came.flows += 1
            known = before.get(key)
            since, numbers = self._compare(known, totals, came)
            self._numbers[key] = numbers
            if numbers != known:
                yield News(key, since, totals)

    def update(self, key: bytes, totals: Totals) -> News | None:
        """Take one flow by itself; None: there is nothing new."""
        known = self._numbers.get(key)
        since, numbers = self._compare(known, totals, self.came)
        self._numbers[key] = numbers
        return None if numbers == known else News(key, since, totals)

    def forget(self, key: bytes) -> None:
        """Take the flow for a new one when it comes again."""
        self._numbers.pop(key, None)

    @staticmethod
    def _compare(known: bytes | None, totals: Totals, came: Came) -> tuple[int, bytes]:
        out, into, bytes_out, bytes_in, first = totals[:5]
        if known is None:
            since, old = first, (0, 0, 0, 0)
        else:
            since, *numbers = _NUMBERS.unpack(known)
            old = tuple(numbers)
            # An entry that was removed and made again counts from its own beginning. One CPU may
            # tell of an earlier beginning than those before it did: that is no new entry.
            if first > since or out < old[0] or into < old[1]:
                since, old = first, (0, 0, 0, 0)
        came.packets_out += out - old[0]
        came.packets_in += into - old[1]
        came.bytes_out += bytes_out - old[2]
        came.bytes_in += bytes_in - old[3]
        return since, _NUMBERS.pack(since, out, into, bytes_out, bytes_in)
