"""Lines of capture: whole, in order, and each audit's to that audit alone."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.runtime.reader import Reader

END = b'{"kind":"end","ts":2}'


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(read)
    os.close(write)


def test_a_line_may_come_in_pieces(pipe: tuple[int, int]) -> None:
    read, write = pipe
    lines = Reader(read, grace=5).lines(0)
    os.write(write, b"one\ntw")
    assert next(lines) == b"one"
    os.write(write, b"o\nthree\n")
    assert next(lines) == b"two\nthree"


def test_nothing_of_an_audit_that_ended_becomes_the_next_one_s(pipe: tuple[int, int]) -> None:
    read, write = pipe
    reader = Reader(read, grace=5)
    first = reader.audit(0)
    os.write(write, b"one\nhalf a ")
    assert next(first) == b"one"
    os.write(write, b"line\n" + END + b"\n")
    assert next(first) == b"half a line\n" + END
    first.close()  # who takes the lines reads no further
    os.write(write, b"next\n" + END + b"\n")
    assert list(reader.audit(0)) == [b"next\n" + END]


def test_silence_ends_the_reading(pipe: tuple[int, int]) -> None:
    reader = Reader(pipe[0], grace=0.01)
    assert list(reader.audit(0)) == []
    assert reader.silence > 0


def test_what_cannot_be_captured_is_raised_wherever_it_stands(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.write(write, b'one\n{"kind":"unavailable","ts":1,"reason":"no rights"}\n')
    with pytest.raises(CaptureUnavailable, match="no rights"):
        list(Reader(read, grace=5).audit(0))
