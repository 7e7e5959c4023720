"""The arithmetic of rhythms: what is regular is found, what chance makes is not."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import accumulate

import pytest

from pytest_ato.detectors.regularity import (
    Limits,
    Rhythm,
    bowley_skewness,
    madm,
    measure,
    ticks,
)


def rhythm(gap: Callable[[], float], intervals: int, size: int = 48) -> Rhythm:
    times = list(accumulate((gap() for _ in range(intervals)), initial=0.0))
    return measure(times, [size] * len(times))


@pytest.mark.parametrize(
    ("jitter", "intervals"),
    [(0.0, 4), (0.1, 4), (0.15, 6), (0.2, 7), (0.25, 8), (0.25, 30), (0.4, 13), (0.4, 30)],
)
def test_timers_are_found_at_any_period(jitter: float, intervals: int) -> None:
    for seed in range(200):
        chance = random.Random(seed)
        period = chance.uniform(1.0, 10.0)

        def gap(chance: random.Random = chance, period: float = period) -> float:
            return period * chance.uniform(1 - jitter, 1 + jitter)

        assert rhythm(gap, intervals).is_beacon(Limits()), seed


@pytest.mark.parametrize("intervals", [4, 5, 6, 8, 10, 16, 30])
def test_independent_visits_are_never_found(intervals: int) -> None:
    for seed in range(200):
        chance = random.Random(1000 * intervals + seed)
        found = rhythm(lambda chance=chance: chance.expovariate(1 / 3), intervals)
        assert not found.is_beacon(Limits()), seed


@pytest.mark.parametrize("intervals", [10, 20])
def test_beyond_forty_percent_of_jitter_only_some_are_found(intervals: int) -> None:
    found = 0
    for seed in range(200):
        chance = random.Random(seed)
        seen = rhythm(lambda chance=chance: 3 * chance.uniform(0.4, 1.6), intervals)
        found += seen.is_beacon(Limits())
    assert found <= 60


@pytest.mark.parametrize("intervals", [6, 10, 20, 40])
def test_pauses_of_a_person_are_seldom_found(intervals: int) -> None:
    found = 0
    for seed in range(200):
        chance = random.Random(seed)
        gap = lambda chance=chance: chance.lognormvariate(1.5, 0.8)  # noqa: E731
        found += rhythm(gap, intervals).is_beacon(Limits())
    assert found <= 3


def test_one_pause_hides_no_beacon() -> None:
    times = [0.0, 2.0, 4.0, 6.0, 17.0, 19.0, 21.0, 23.0, 25.0]
    assert measure(times, [48] * 9).is_beacon(Limits())


def test_a_second_connection_in_the_same_tick_hides_no_beacon() -> None:
    times = [2.0 * n + offset for n in range(6) for offset in (0.0, 0.03)]
    assert measure(times, [48] * 12).is_beacon(Limits())
    assert len(ticks(times)) == 6


@pytest.mark.parametrize(
    "times",
    [
        [],
        [1.0],
        [2.0 * n for n in range(4)],
        [0.2 * n for n in range(40)],
        [0.001 * n for n in range(40)],
        [0.0, 1.0, 3.0, 7.0, 15.0, 31.0],
        [5.0] * 10,
    ],
    ids=["none", "one", "too few", "work", "burst", "back-off", "at once"],
)
def test_no_beacon(times: list[float]) -> None:
    assert not measure(times, [48] * len(times)).is_beacon(Limits())


def test_sizes_that_differ_need_a_steadier_clock() -> None:
    chance = random.Random(3)
    sizes = [chance.randrange(50, 9000) for _ in range(9)]
    steady = [2.0 * n for n in range(9)]
    assert measure(steady, sizes).is_beacon(Limits())
    assert measure(steady, sizes).score < measure(steady, [48] * 9).score


def test_bowley_skewness_and_madm() -> None:
    assert bowley_skewness([1, 2, 3, 4, 5, 6, 7, 8, 9]) == 0
    assert bowley_skewness([1, 1, 1, 1, 2, 2, 9, 9, 9]) == pytest.approx(0.75)
    assert bowley_skewness([1, 2]) == 0
    assert madm([1, 1, 2, 2, 4, 6, 9]) == 1
