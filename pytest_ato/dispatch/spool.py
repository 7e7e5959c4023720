"""Rows that wait for their signature, bounded.

Owns the bound. Nothing is lost by it as long as it holds one row of every flow: a later row of the
same entry says all that an earlier one did, so of those the last is enough. Only what is beyond
even that is dropped, the oldest first, and told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from pytest_ato.dispatch.batches import Batch


class Squeezed(NamedTuple):
    """What a full spool gave up."""

    superseded: int = 0
    dropped: int = 0


class Spool:
    """First in, first out."""

    def __init__(self, limit: int) -> None:
        """`limit`: rows."""
        self.limit = limit
        self._batches: deque[Batch] = deque()

    @property
    def depth(self) -> int:
        """Rows that wait."""
        return sum(len(batch.rows) for batch in self._batches)

    def add(self, batch: Batch) -> Squeezed:
        """Put a batch behind the others."""
        self._batches.append(batch)
        return Squeezed() if self.depth <= self.limit else self._squeeze()

    def sign(self, write: Callable[[Batch], None]) -> None:
        """Have `write` take batch after batch; one at which it raises stays, as do those behind."""
        while self._batches:
            write(self._batches[0])
            self._batches.popleft()

    def _squeeze(self) -> Squeezed:
        before = self.depth
        seen: set[bytes] = set()
        for batch in reversed(self._batches):
            for entry in seen.intersection(batch.rows):
                del batch.rows[entry]
            seen.update(batch.rows)
        superseded = before - self.depth
        dropped = max(0, self.depth - self.limit)
        left = dropped
        for batch in self._batches:
            for entry in list(batch.rows)[:left]:
                del batch.rows[entry]
                left -= 1
        while self._batches and not self._batches[0].rows:
            self._batches.popleft()
        return Squeezed(superseded, dropped)
