"""Splitting what a ring held: lengths, padding, discarded and half-written records."""

from __future__ import annotations

import mmap
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture.rings import Ring, records, uniform

BUSY, DISCARD = 1 << 31, 1 << 30
SIZE = 1 << 16


def record(body: bytes, flag: int = 0) -> bytes:
    padding = -len(body) % 8
    return struct.pack("<II", len(body) | flag, 0) + body + bytes(padding)


class Kernel:
    """The producer's side of a ring, in a memory file laid out as the kernel lays out the map."""

    def __init__(self) -> None:
        self.fd = os.memfd_create("ring")
        page = mmap.PAGESIZE
        os.ftruncate(self.fd, 2 * page + 2 * SIZE)
        self.memory = mmap.mmap(self.fd, 2 * page + 2 * SIZE)

    def produce(self, data: bytes) -> None:
        page = mmap.PAGESIZE
        position = int.from_bytes(self.memory[page : page + 8], "little")
        for i, byte in enumerate(data):
            at = (position + i) % SIZE
            for copy in (0, SIZE):
                self.memory[2 * page + copy + at] = byte
        self.memory[page : page + 8] = (position + len(data)).to_bytes(8, "little")


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@given(bodies=st.lists(st.binary(max_size=64)))
def test_records_come_back_as_they_went_in(bodies: list[bytes]) -> None:
    assert records(b"".join(record(body) for body in bodies)) == bodies


def test_discarded_records_are_left_out() -> None:
    assert records(record(b"a") + record(b"b", DISCARD) + record(b"c")) == [b"a", b"c"]


def test_a_record_being_written_ends_the_drain(kernel: Kernel) -> None:
    ring = Ring(kernel.fd, SIZE)
    kernel.produce(record(b"whole") + record(b"half", BUSY) + record(b"later"))
    assert records(ring.drain(SIZE)) == [b"whole"]
    assert ring.drain(SIZE) == b""
    assert ring.backlog() > 0


def test_a_ring_wraps(kernel: Kernel) -> None:
    ring = Ring(kernel.fd, SIZE)
    body = bytes(range(248))
    seen = 0
    for _ in range(5):
        kernel.produce(record(body) * 100)
        found = records(ring.drain(SIZE, 256))
        assert found == [body] * 100
        seen += len(found)
    assert seen * 256 > SIZE


def test_a_limit_cuts_between_records(kernel: Kernel) -> None:
    ring = Ring(kernel.fd, SIZE)
    kernel.produce(record(b"x" * 100) + record(b"y" * 100))
    assert records(ring.drain(128)) == [b"x" * 100]
    assert records(ring.drain(128)) == [b"y" * 100]


@pytest.mark.parametrize("flag", [BUSY, DISCARD])
def test_uniform_sees_every_flag(flag: int) -> None:
    good = record(bytes(248))
    assert uniform(good * 3, 256)
    assert not uniform(good + record(bytes(248), flag) + good, 256)
    assert not uniform(good + record(bytes(504)), 256)
    assert not uniform(good[:-8], 256)
