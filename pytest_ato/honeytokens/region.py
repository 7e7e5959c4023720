"""A decodable part of some data, and the budget that bounds what one search may decode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MAX_DECODED: Final = 16 << 20
"""Bytes that all layers of one search may come to."""
_OVERHEAD: Final = 64
"""What a region costs beyond its bytes, so that many tiny ones are bounded, too."""


class Budget:
    """What one search may still produce."""

    def __init__(self, limit: int = MAX_DECODED) -> None:
        self.left = limit
        self.exceeded = False
        """Something was not decoded that could have been."""

    def take(self, size: int) -> bool:
        """Pay for `size` bytes; False: not enough is left, and nothing was paid."""
        cost = size + _OVERHEAD
        if cost > self.left:
            self.exceeded = True
            return False
        self.left -= cost
        return True


@dataclass(frozen=True, slots=True)
class Region:
    """One decodable part: `content` is what bytes `start` to `stop` of the outer data say."""

    encoding: str
    start: int
    stop: int
    content: bytes
    source: Callable[[int, int], tuple[int, int]] | None = None
    """Maps a span of `content` to the outer data, where that is finer than start to stop."""

    def locate(self, start: int, stop: int) -> tuple[int, int]:
        """Return the part of the outer data that holds `content[start:stop]`."""
        return self.source(start, stop) if self.source else (self.start, self.stop)
