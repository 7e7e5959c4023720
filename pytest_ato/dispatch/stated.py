"""What was stated of each flow: which have news, and how much came.

Owns the numbers of the round before, bounded by the map itself: of a flow whose entry has gone they
are forgotten. Pure: it reads no map and no clock.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pytest_ato.capture.flowabi import Totals

_NUMBERS: Final = struct.Struct("=5Q")
"""`since` and four counters: a fifth of what Python's own numbers would take."""
_OLD: Final = struct.Struct("=3Q")


class News(NamedTuple):
    """A flow that had packets since it was last stated."""

    key: bytes
    since: int
    """When its entry was made, ns; the same in every row of this entry."""
    totals: Totals


@dataclass
class Walked:
    """What one walk found."""

    news: list[News] = field(default_factory=list)
    idle: list[tuple[int, bytes]] = field(default_factory=list)
    """Flows that said nothing lately: when they last did, and their keys."""
    flows: int = 0
    packets_out: int = 0
    packets_in: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    """What came since the walk before."""


class Stated:
    """Feed it whole walks, in order."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, bytes] = {}

    def take(self, walk: Iterable[tuple[bytes, Totals]], lately: int) -> Walked:
        """Find the flows that have news; from then on they count as stated.

        `lately`: the moment from which on a flow must have had a packet not to be idle.
        """
        before, self._numbers = self._numbers, {}
        found = Walked()
        numbers, news, idle = self._numbers, found.news, found.idle
        for key, totals in walk:
            known = before.get(key)
            since = totals.first if known is None else _since(known, totals)
            now = numbers[key] = _NUMBERS.pack(since, *totals[:4])
            if now != known:
                news.append(News(key, since, totals))
            if totals.last < lately:
                idle.append((totals.last, key))
        found.flows = len(numbers)
        _count(found, before)
        return found

    def has(self, key: bytes, totals: Totals) -> bool:
        """Whether all of that is stated."""
        known = self._numbers.get(key)
        return known == _NUMBERS.pack(_since(known, totals), *totals[:4])

    def remove(self, key: bytes, totals: Totals) -> News | None:
        """Forget a flow, whose entry was removed with these totals; None: they are stated."""
        is_stated = self.has(key, totals)
        since = _since(self._numbers.pop(key, None), totals)
        return None if is_stated else News(key, since, totals)


def _since(known: bytes | None, totals: Totals) -> int:
    """When the entry was made. One that was removed and made again has a later beginning, or
    counts less; an earlier one is told by a CPU that was slow to tell, and is nothing new."""
    if known is None:
        return totals.first
    since, out, into = _OLD.unpack_from(known)
    is_new = totals.first > since or totals.packets_out < out or totals.packets_in < into
    return totals.first if is_new else int(since)


def _count(found: Walked, before: Mapping[bytes, bytes]) -> None:
    """Add up what came: all of the news, less what was known of the same entries."""
    counted = [news.totals[:4] for news in found.news]
    for news in found.news:
        known = before.get(news.key)
        if known is not None:
            since, *old = _NUMBERS.unpack(known)
            if since == news.since:
                counted.append(tuple(-each for each in old))
    if counted:
        sums = map(sum, zip(*counted, strict=True))
        found.packets_out, found.packets_in, found.bytes_out, found.bytes_in = sums
