"""How a figure is measured: repeated, in alternating order, told by median and quartiles.

Owns the statistics. Knows nothing of what is measured.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """Values of one case, in the order of the rounds."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """First and third quartile; the extremes where there are fewer than four values."""
        if len(self.values) < 4:
            return min(self.values), max(self.values)
        low, _, high = statistics.quantiles(self.values, method="inclusive")
        return low, high

    def over(self, other: Sample) -> Sample:
        """Ratio to `other`, round by round: what slows down a whole round cancels out."""
        pairs = zip(self.values, other.values, strict=True)
        return Sample(tuple(mine / theirs for mine, theirs in pairs))

    def minus(self, other: Sample) -> Sample:
        """Difference to `other`, round by round."""
        pairs = zip(self.values, other.values, strict=True)
        return Sample(tuple(mine - theirs for mine, theirs in pairs))

    def scaled(self, factor: float) -> Sample:
        """Every value times `factor`."""
        return Sample(tuple(value * factor for value in self.values))


def alternate(cases: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Sample]:
    """Call each case once a round and keep what it returns.

    The order is reversed from round to round, so that none always follows the same other; a first
    round that warms caches is thrown away.
    """
    values: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name in sorted(cases, reverse=number % 2 == 1):
            value = cases[name]()
            if number:
                values[name].append(value)
    return {name: Sample(tuple(found)) for name, found in values.items()}


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
