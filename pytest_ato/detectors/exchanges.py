"""The HTTP requests of the audit, for whoever shows them.

Owns the list and its bound. Judges nothing, and masks nothing: a report does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_ato.detectors.traffic import Exchange, Payload
from pytest_ato.model.record import Event

MAX_EXCHANGES: Final = 200


@dataclass(slots=True)
class Seen:
    """One request, and how long its body was."""

    exchange: Exchange
    body: int = 0
    """Bytes, content codings undone."""


class Exchanges:
    """The first requests of one audit, kept up to date by `update`."""

    def __init__(self) -> None:
        self.total = 0
        self._seen: dict[int, Seen] = {}

    @property
    def all(self) -> tuple[Seen, ...]:
        """In the order in which they were sent."""
        return tuple(self._seen.values())

    def update(self, event: Event) -> None:
        """Take an `Exchange` or a `Payload`."""
        if isinstance(event, Exchange):
            self.total += 1
            if len(self._seen) < MAX_EXCHANGES:
                self._seen[event.number] = Seen(event)
        elif isinstance(event, Payload) and "http body" in event.path:
            known = self._seen.get(event.exchange)
            if known is not None:
                known.body += len(event.data)
