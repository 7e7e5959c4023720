"""The sum that is asserted at the end of every audit: produced = consumed + lost + coalesced.

Owns one audit's share of the kernel side's counts, which run on for the whole session.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ato.capture.loader.interface import Loader
from pytest_ato.model.events import Counters


class Accounts:
    """Make it before the target starts; `consumed` is what was decoded so far, by class."""

    def __init__(self, loader: Loader, consumed: Mapping[str, int]) -> None:
        self._loader = loader
        self._consumed = consumed
        self._before = dict(loader.counters())

    def counters(self) -> dict[str, Counters]:
        """Return the counts since, by class."""
        return {
            name: _difference(now, self._before[name], self._consumed[name])
            for name, now in self._loader.counters().items()
        }

    def balanced(self) -> bool:
        """Whether every event is accounted for: nothing is still on its way."""
        return all(
            counts.produced == counts.consumed + counts.lost + counts.coalesced
            for counts in self.counters().values()
        )


def _difference(now: Counters, before: Counters, consumed: int) -> Counters:
    return Counters(
        produced=now.produced - before.produced,
        consumed=consumed,
        lost=now.lost - before.lost,
        unread=now.unread - before.unread,
        truncated=now.truncated - before.truncated,
        coalesced=now.coalesced - before.coalesced,
    )
