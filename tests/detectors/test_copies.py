"""Copies of one stream: what two sources tell alike comes out once, and a difference comes out."""

from __future__ import annotations

import random
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.detectors.copies import BLOCK, Copies, New

DATA = random.Random(1).randbytes(3 * BLOCK + 100)
_CUTS = st.lists(st.integers(0, len(DATA)), max_size=12).map(sorted)


def pieces(data: bytes, cuts: list[int]) -> list[tuple[int, bytes]]:
    """Offset and bytes of each piece between the cuts."""
    ends = [0, *cuts, len(data)]
    return [(a, data[a:b]) for a, b in pairwise(ends) if b > a]


def told(copies: Copies, calls: list[tuple[str, int, bytes]]) -> list[New]:
    return [new for call in calls for new in copies.take(*call)] + copies.end_all()


def main(found: list[New]) -> bytes:
    return b"".join(new.data for new in found if new.main)


def others(found: list[New]) -> bytes:
    return b"".join(new.data for new in found if not new.main)


@settings(max_examples=60, derandomize=True)
@given(first=_CUTS, second=_CUTS, seed=st.integers(0, 1000))
def test_two_sources_that_tell_the_same_are_one(first, second, seed) -> None:
    """In whatever pieces, and however they interleave."""
    queues = {"openssl": pieces(DATA, first), "proxy": pieces(DATA, second)}
    order = random.Random(seed)
    calls = []
    while any(queues.values()):
        source = order.choice([name for name, queue in queues.items() if queue])
        calls.append((source, *queues[source].pop(0)))
    copies = Copies()
    found = told(copies, calls)
    assert main(found) == DATA
    assert others(found) == b""
    assert (copies.position, copies.missing) == (len(DATA), 0)


@pytest.mark.parametrize("at", [0, BLOCK - 1, BLOCK, 2 * BLOCK + 7, len(DATA) - 1])
def test_what_one_source_tells_otherwise_comes_out_too(at: int) -> None:
    """A program could show a probe something harmless, and send something else."""
    other = bytearray(DATA)
    other[at] ^= 1
    found = told(Copies(), [("openssl", 0, DATA), ("proxy", 0, bytes(other))])
    assert main(found) == DATA
    assert bytes(other[max(0, at - 20) : at + 20]) in others(found)


def test_of_a_copy_that_ends_early_only_what_is_not_proven_comes_out_again() -> None:
    end = 2 * BLOCK + 50
    found = told(Copies(), [("openssl", 0, DATA), ("proxy", 0, DATA[:end])])
    assert (main(found), others(found)) == (DATA, DATA[BLOCK:end])
    found = told(Copies(), [("openssl", 0, DATA), ("proxy", 0, DATA[: 2 * BLOCK])])
    assert (main(found), others(found)) == (DATA, b"")


def test_what_nobody_told_is_a_gap_and_a_number() -> None:
    copies = Copies()
    found = told(copies, [("proxy", 0, DATA[:100]), ("proxy", 300, DATA[300:400])])
    assert [new.gap for new in found] == [False, True]
    assert (copies.position, copies.missing) == (400, 200)


def test_what_fills_the_gap_later_comes_out_too() -> None:
    calls = [("proxy", 0, DATA[:100]), ("proxy", 300, DATA[300:400]), ("openssl", 0, DATA[:400])]
    found = told(Copies(), calls)
    assert DATA[100:300] in main(found) + others(found)


def test_a_long_stream_is_held_as_digests() -> None:
    copies = Copies()
    tracemalloc.start()
    try:
        for at in range(0, 32 << 20, 1 << 20):
            for source in ("openssl", "proxy"):
                copies.take(source, at, bytes(1 << 20))
        current, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert current < 4 << 20
