"""What one round found, and the records that it becomes.

Owns the payload's shape (`type` "flows", and "dispatcher" for beginning and end). Fields are only
added. Each record carries both clocks: the monotonic one orders and dates rows whatever happens to
the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import msgspec

from pytest_ato import __version__
from pytest_ato.capture.flowabi import Counts
from pytest_ato.dispatch.rows import COLUMNS
from pytest_ato.evidence.canonical import Json, canonical

LARGEST: Final = 10_000
"""Rows of one record: of the longest row, some 300 bytes, these fit into a line of the log."""
FLOWS: Final = "flows"
_EMPTY: Final = b'"rows":[]'


@dataclass(frozen=True)
class Source:
    """Which dispatcher reads which map."""

    run: str
    """Of this start of the dispatcher."""
    map: int
    """The kernel's number of the map, until the machine starts anew."""
    boot: str
    """The kernel's own name for its start."""

    def record(self, event: str) -> dict[str, Json]:
        """Tell that the dispatcher started or ended: a start without an end was a kill."""
        return {
            "type": "dispatcher",
            "event": event,
            "tool": f"pytest-ato {__version__}",
            **self.fields(),
        }

    def fields(self) -> dict[str, Json]:
        """As records have it."""
        return {"run": self.run, "map": self.map, "boot": self.boot}


@dataclass(frozen=True)
class Clock:
    """One moment on both clocks."""

    monotonic: int
    """ns."""
    utc: str
    stepped: float
    """Seconds by which the wall clock was set since the round before; 0: it was not."""


@dataclass
class Batch:
    """Rows of one round; taken away again where a later row of the same flow says more."""

    round: int
    clock: Clock
    counts: Counts
    rows: dict[bytes, bytes] = field(default_factory=dict)
    """By entry of the map: the flow's key and the entry's beginning."""

    def records(self, source: Source, size: int) -> Iterator[msgspec.Raw]:
        """Yield payloads of at most `size` rows, canonical."""
        fields: dict[str, Json] = {
            "type": FLOWS,
            **source.fields(),
            "round": self.round,
            "clock": {
                "utc": self.clock.utc,
                "monotonic_us": self.clock.monotonic // 1000,
                "stepped_s": self.clock.stepped,
            },
            "counts": self.counts._asdict(),
            "columns": COLUMNS,
            "rows": (),
        }
        before, after = canonical(fields).split(_EMPTY)
        rows = iter(self.rows.values())
        while some := list(islice(rows, size)):
            yield msgspec.Raw(b"".join((before, b'"rows":[', b",".join(some), b"]", after)))
