"""The way out: order across sources, and a reader that is slow or gone."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from pytest_ato.capture.stream import CallerGone, EventStream
from pytest_ato.model.events import Exit, Fork, Open, decode
from pytest_ato.model.record import Event

MS = 1_000_000


@pytest.fixture
def pipe() -> tuple[int, int]:
    return os.pipe()


def written(fd: int, stream: EventStream) -> list[Event]:
    stream.flush()
    return [decode(line) for line in os.read(fd, 1 << 20).splitlines()]


def test_events_of_all_sources_are_in_order_of_time(pipe: tuple[int, int]) -> None:
    stream = EventStream(pipe[1])
    stream.add([Fork(ts=30 * MS, pid=1, child=2), Fork(ts=10 * MS, pid=1, child=3)])
    stream.add([Exit(ts=20 * MS, pid=3)])
    stream.release_all()
    assert [event.ts for event in written(pipe[0], stream)] == [10 * MS, 20 * MS, 30 * MS]


def test_young_events_wait_for_older_ones(pipe: tuple[int, int]) -> None:
    stream = EventStream(pipe[1])
    stream.add([Exit(ts=100 * MS, pid=3), Exit(ts=10 * MS, pid=2)])
    stream.release(seen_until=101 * MS)
    stream.add([Exit(ts=90 * MS, pid=4)])
    stream.release_all()
    assert [event.ts for event in written(pipe[0], stream)] == [10 * MS, 90 * MS, 100 * MS]


def test_a_sieve_leaves_events_out(pipe: tuple[int, int]) -> None:
    stream = EventStream(pipe[1])
    stream.sieve = lambda events: (event for event in events if event.ts != 2)
    stream.add([Exit(ts=2, pid=1), Exit(ts=1, pid=1)])
    stream.release_all()
    assert [event.ts for event in written(pipe[0], stream)] == [1]


def test_a_full_pipe_does_not_block(pipe: tuple[int, int]) -> None:
    stream = EventStream(pipe[1])
    stream.add(Open(ts=i, pid=2, call="open", path="/x" * 100) for i in range(10_000))
    stream.release_all()
    before = stream.pending
    stream.write()
    assert 0 < stream.pending < before
    assert len(os.read(pipe[0], 1 << 20)) == before - stream.pending


def test_a_closed_pipe_ends_the_session(pipe: tuple[int, int]) -> None:
    stream = EventStream(pipe[1])
    os.close(pipe[0])
    stream.put(Exit(ts=1, pid=1))
    with pytest.raises(CallerGone):
        stream.write()


def test_waiting_lets_the_reader_catch_up(pipe: tuple[int, int]) -> None:
    stream = EventStream(pipe[1])
    stream.add(Open(ts=i, pid=2, call="open", path="/x" * 200) for i in range(10_000))
    stream.release_all()
    before, taken = stream.pending, []
    reader = threading.Thread(target=lambda: taken.extend(_read(pipe[0], before - 1000)))
    reader.start()
    stream.wait(unread=1 << 20)
    left = stream.pending
    assert left <= 1 << 20
    stream.flush()
    reader.join()
    assert sum(map(len, taken)) >= before - 1000
    assert stream.pending == 0


def _read(fd: int, least: int) -> Iterator[bytes]:
    while least > 0:
        data = os.read(fd, 1 << 16)
        least -= len(data)
        yield data
