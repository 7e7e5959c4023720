"""Runs of an alphabet in hostile data, found in linear time.

Owns only where a run lies; what it may mean is for the decoders.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nlargest
from typing import Final

from pytest_ato.honeytokens.region import Budget

MAX_RUNS: Final = 4096
"""Runs of one alphabet that are decoded in one piece of data: the longest."""

UPPER: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER: Final = b"abcdefghijklmnopqrstuvwxyz"
DIGITS: Final = b"0123456789"
WRAP: Final = b"\r\n"
"""What line-wrapped text holds besides its alphabet."""


def membership(alphabet: bytes) -> bytes:
    """Return a table for `runs`."""
    return bytes(0x78 if byte in alphabet else 0x20 for byte in range(256))


def runs(data: bytes, members: bytes, least: int) -> Iterator[tuple[int, int]]:
    """Return where at least `least` bytes of an alphabet stand in a row.

    Two passes in C (a translation, then a search for a run of one letter): a regular expression
    takes ten times as long on ordinary text.
    """
    mask = data.translate(members)
    wanted = b"x" * least
    start = mask.find(wanted)
    while start >= 0:
        stop = mask.find(b" ", start)
        stop = len(mask) if stop < 0 else stop
        yield start, stop
        start = mask.find(wanted, stop)


def longest(
    found: Iterator[tuple[int, int]], data: bytes, budget: Budget
) -> Iterator[tuple[int, bytes]]:
    """Return offset and bytes of the longest runs, at most `MAX_RUNS`."""
    kept = list(found)
    if len(kept) > MAX_RUNS:
        budget.exceeded = True
        kept = nlargest(MAX_RUNS, kept, key=lambda run: run[1] - run[0])
    for start, stop in kept:
        yield start, data[start:stop]
