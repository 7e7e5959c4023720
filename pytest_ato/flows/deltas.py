"""What came to each flow from one walk of the map to the next.

Owns the totals of the walk before, bounded by the map itself: a flow whose entry has gone is
forgotten. Pure: it reads no map and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_ato.capture.flowabi import Totals


class Deltas:
    """Feed it whole walks, in order."""

    def __init__(self) -> None:
        self._before: dict[bytes, Totals] = {}

    def take(self, walk: Iterable[tuple[bytes, Totals]]) -> Iterator[tuple[bytes, Totals]]:
        """Yield the flows that had packets since the last walk, with what came; take all of it.

        `first`, `last` and the flags are not differences: they are the entry's own.
        """
        before, self._before = self._before, {}
        for key, totals in walk:
            self._before[key] = totals
            delta = since(before.get(key), totals)
            if delta.packets_out or delta.packets_in:
                yield key, delta


def since(before: Totals | None, now: Totals) -> Totals:
    """Return what came to a flow since `before`: all, if its entry was removed and made again."""
    if before is None or now.first > before.first or any(map(int.__lt__, now[:4], before[:4])):
        return now
    return Totals(
        now.packets_out - before.packets_out,
        now.packets_in - before.packets_in,
        now.bytes_out - before.bytes_out,
        now.bytes_in - before.bytes_in,
        *now[4:],
    )
