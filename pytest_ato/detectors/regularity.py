"""How regular a series of connections is: a score after RITA, and what chance alone can do.

Owns the arithmetic, on plain numbers. Knows no event, and decides about no destination.

The measures are those of RITA (Active Countermeasures): Bowley's skewness and the median absolute
deviation about the median (MADM) of the intervals and of the sizes. RITA looks at a day and
measures spread in seconds; an audit lasts a minute, so here spread is relative to the median.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

MIN_INTERVALS: Final = 4
MIN_SCORE: Final = 0.6
MIN_INTERVAL_S: Final = 0.5
"""Least median interval in seconds. What comes faster is work going on (a package manager with
twenty files to fetch), and its rhythm is the server's, not a timer's."""
JITTER_PER_INTERVAL: Final = 0.035
MAX_JITTER: Final = 0.28
"""Jitter that still counts as regular: a quarter, the most that common implants default to, and
the scheduler's share. With few intervals it must be less, because of independent (exponential)
ones four lie as close together as 10 % once in a thousand times, eight as 50 %."""
INTERVALS_PER_OUTLIER: Final = 8
"""For each so many intervals, one may be anything: a slow answer or a pause hides no beacon."""
SAME_TICK_S: Final = 0.1
"""Connections closer than this are one: IPv6 and IPv4 raced, or two resources of one visit."""
_MIN_FOR_SKEW: Final = 8
_SIZE_SPREAD: Final = 32.0
_MAX_SIZE: Final = 65535.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A series of times (and sizes) measured."""

    intervals: int
    median: float
    """Seconds."""
    jitter: float
    """Half the range of the intervals (outliers left out) as a part of its middle: 0 to 1."""
    score: float
    """0 (nothing regular) to 1 (a metronome that always says the same)."""

    @property
    def is_beacon(self) -> bool:
        """Whether this is too regular to be chance, and too slow to be work."""
        allowed = min(MAX_JITTER, JITTER_PER_INTERVAL * (self.intervals - 1))
        return (
            self.intervals >= MIN_INTERVALS
            and self.median >= MIN_INTERVAL_S
            and self.jitter <= allowed
            and self.score >= MIN_SCORE
        )


def measure(times: Sequence[float], sizes: Sequence[int] = ()) -> Rhythm:
    """Measure starts in seconds, in any order, and the bytes that each sent where known."""
    starts = ticks(times)
    intervals = [later - earlier for earlier, later in pairwise(starts)]
    if not intervals:
        return Rhythm(intervals=0, median=0.0, jitter=1.0, score=0.0)
    scores = [_interval_score(intervals)]
    if sizes:
        scores.append(_size_score(sizes))
    return Rhythm(
        intervals=len(intervals),
        median=statistics.median(intervals),
        jitter=_jitter(intervals),
        score=statistics.fmean(scores),
    )


def ticks(times: Sequence[float]) -> list[float]:
    """`times` in order; of those within `SAME_TICK_S` after one that is kept, only that one."""
    kept: list[float] = []
    for time in sorted(times):
        if not kept or time - kept[-1] > SAME_TICK_S:
            kept.append(time)
    return kept


def bowley_skewness(values: Sequence[float]) -> float:
    """Asymmetry of the quartiles, -1 to 1; 0 where they are too close or too few to tell."""
    if len(values) < _MIN_FOR_SKEW:
        return 0.0
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    if high == low or middle in (low, high):
        return 0.0
    return (low + high - 2 * middle) / (high - low)


def madm(values: Sequence[float]) -> float:
    """Median absolute deviation about the median, in the unit of `values`."""
    middle = statistics.median(values)
    return statistics.median(abs(value - middle) for value in values)


def _interval_score(intervals: Sequence[float]) -> float:
    median = statistics.median(intervals)
    symmetry = 1 - abs(bowley_skewness(intervals))
    tightness = max(0.0, 1 - madm(intervals) / median)
    # How much of the whole duration the intervals fill at their usual length: pauses lower it.
    density = min(1.0, median / statistics.fmean(intervals))
    return statistics.fmean((symmetry, tightness, density))


def _size_score(sizes: Sequence[int]) -> float:
    symmetry = 1 - abs(bowley_skewness(sizes))
    tightness = max(0.0, 1 - madm(sizes) / _SIZE_SPREAD)
    smallness = max(0.0, 1 - statistics.mode(sizes) / _MAX_SIZE)
    return statistics.fmean((symmetry, tightness, smallness))


def _jitter(intervals: Sequence[float]) -> float:
    middle = statistics.median(intervals)
    by_distance = sorted(intervals, key=lambda interval: abs(interval - middle))
    kept = by_distance[: len(intervals) - len(intervals) // INTERVALS_PER_OUTLIER]
    least, most = min(kept), max(kept)
    return (most - least) / (most + least)
