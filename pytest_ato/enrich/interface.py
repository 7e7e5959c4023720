"""What an enricher is: one source of facts about addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from pytest_ato.model.events import Enrichment


class Enricher(Protocol):
    """Answers for addresses; what it does not know it says with the reason, and never raises."""

    def look_up(self, addresses: Sequence[str], ts: int) -> Iterable[Enrichment]:
        """Return one event for each of `addresses` (canonical text), in their order, at `ts`."""
