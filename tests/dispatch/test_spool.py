"""What waits for a signature: in order, bounded, and complete as long as that can be."""

from __future__ import annotations

import pytest

from pytest_ato.capture.flowabi import Counts
from pytest_ato.dispatch.batches import Batch, Clock
from pytest_ato.dispatch.spool import Spool, Squeezed
from pytest_ato.model.errors import SigningError


def batch(number: int, *entries: str) -> Batch:
    rows = {entry.encode(): f"{entry}{number}".encode() for entry in entries}
    return Batch(number, Clock(0, "", 0), Counts(0, 0, 0, 0, 0, 0), rows)


def written(spool: Spool) -> list[bytes]:
    found: list[bytes] = []
    spool.sign(lambda each: found.extend(each.rows.values()))
    return found


def test_first_in_first_out() -> None:
    spool = Spool(10)
    for number in (1, 2):
        assert spool.add(batch(number, "a", "b")) == Squeezed()
    assert spool.depth == 4
    assert written(spool) == [b"a1", b"b1", b"a2", b"b2"]
    assert spool.depth == 0


def test_what_cannot_be_written_stays() -> None:
    spool = Spool(10)
    for number in (1, 2, 3):
        spool.add(batch(number, "a"))

    def write(each: Batch) -> None:
        if each.round == 2:
            raise SigningError("gone")

    with pytest.raises(SigningError):
        spool.sign(write)
    assert written(spool) == [b"a2", b"a3"]


def test_a_full_one_keeps_the_last_row_of_each() -> None:
    spool = Spool(4)
    spool.add(batch(1, "a", "b", "c"))
    assert spool.add(batch(2, "a", "b", "d")) == Squeezed(superseded=2)
    assert written(spool) == [b"c1", b"a2", b"b2", b"d2"]


def test_beyond_that_the_oldest_are_dropped_and_counted() -> None:
    spool = Spool(3)
    spool.add(batch(1, "a", "b"))
    assert spool.add(batch(2, "b", "c", "d")) == Squeezed(superseded=1, dropped=1)
    assert written(spool) == [b"b2", b"c2", b"d2"]
