"""Counting different values: exact below the bound, honest at it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.analysis.distinct import Distinct
from pytest_ato.model.octets import B64, Octets

OCTETS = st.one_of(st.text(max_size=200), st.binary(max_size=200).map(B64))


@given(st.lists(OCTETS))
def test_counts_like_a_set_and_keeps_the_first(values: list[Octets]) -> None:
    distinct: Distinct[Octets] = Distinct()
    for value in values:
        distinct.add(value)
    counted = distinct.counted()
    assert counted.count == len(set(values))
    assert counted.first == tuple(dict.fromkeys(values))[: Distinct.KEPT]
    assert not counted.full
    assert all(value in distinct for value in values)


def test_long_values_are_told_apart_by_any_character() -> None:
    distinct: Distinct[str] = Distinct()
    for number in range(10):
        distinct.add("x" * 5000 + str(number))
    distinct.add("\ud800" * 200)  # no text, but no error either
    assert distinct.counted().count == 11


def test_beyond_the_bound_it_says_so() -> None:
    distinct: Distinct[int] = Distinct()
    for number in range(Distinct.COUNTED):
        distinct.add(number)
    assert not distinct.counted().full
    distinct.add(0)
    assert not distinct.counted().full
    distinct.add(-1)
    assert distinct.counted().full
    assert distinct.counted().count == Distinct.COUNTED
    assert len(distinct.counted().first) == Distinct.KEPT
