"""How regular a series of connections is: a score after RITA, and what chance alone can do.

Owns the arithmetic, on plain numbers. Knows no event, and decides about no destination.

The measures are those of RITA (Active Countermeasures, github.com/activecm/rita, `pkg/beacon` of
version 4): for the intervals 1 - |Bowley's skewness|, 1 - spread (median absolute deviation about
the median, MADM) and duration; for the sizes 1 - |Bowley's skewness|, 1 - MADM / 32 bytes and
1 - most frequent size / 65535; the score is the mean of both means. RITA looks at a day: it
measures spread as MADM / 30 s and duration as connections against one in ten seconds. An audit
lasts a minute, so here spread is relative to the median interval, and duration is the part of the
time between the first call and the last that the intervals fill at their usual length.

RITA ranks hosts by the score for a person; here it has to decide, so the jitter is bounded as well:
uniform jitter of up to 25 % is always found from eight intervals on, of up to 40 % from thirteen on
(at ten, in two of three cases); of lognormal pauses of a person (sigma 0.5) at most 8 % look so.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

JITTER_PER_INTERVAL: Final = 0.035
"""Jitter that counts as regular is at most so much for each interval beyond the first: of
independent (exponential) ones four lie as close together as 10 % once in a thousand times, eight
as 50 %."""
INTERVALS_PER_OUTLIER: Final = 8
"""For each so many intervals, one may be anything: a slow answer or a pause hides no beacon."""
SAME_TICK_S: Final = 0.1
"""Connections closer than this are one: IPv6 and IPv4 raced, or two resources of one visit."""
_MIN_FOR_SKEW: Final = 8
_SIZE_SPREAD: Final = 32.0
_MAX_SIZE: Final = 65535.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What is regular enough to be a timer, as a policy may set it."""

    intervals: float = 4
    score: float = 0.6
    seconds: float = 0.5
    """Least median interval. What comes faster is work going on (a package manager with twenty
    files to fetch), and its rhythm is the server's, not a timer's."""
    jitter: float = 0.41
    """The most that common implants are set to, and the scheduler's share."""


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

    def is_beacon(self, limits: Limits) -> bool:
        """Whether this is too regular to be chance, and too slow to be work."""
        allowed = min(limits.jitter, JITTER_PER_INTERVAL * (self.intervals - 1))
        return (
            self.intervals >= max(1, limits.intervals)
            and self.median >= limits.seconds
            and self.jitter <= allowed
            and self.score >= limits.score
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
