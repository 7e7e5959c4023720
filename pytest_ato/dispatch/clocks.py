"""Both clocks at once, and whether the wall clock was set meanwhile."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

from pytest_ato.dispatch.batches import Clock

_STEP: Final = 1.0
"""Seconds of difference that no slewing makes between two rounds."""


class Clocks:
    """Looked at once a round."""

    def __init__(self) -> None:
        self._offset = self._now()

    def read(self) -> Clock:
        """Return this moment."""
        offset = self._now()
        stepped = (offset - self._offset) / 1e9
        self._offset = offset
        monotonic = time.monotonic_ns()
        utc = datetime.fromtimestamp((monotonic + offset) / 1e9, UTC)
        return Clock(
            monotonic,
            utc.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            round(stepped, 3) if abs(stepped) >= _STEP else 0,
        )

    @staticmethod
    def _now() -> int:
        return time.time_ns() - time.monotonic_ns()
