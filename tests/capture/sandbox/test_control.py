from __future__ import annotations

import errno
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture.sandbox.control import (
    MESSAGE,
    Closed,
    Empty,
    ExecFailed,
    Ready,
    SetupFailed,
    TargetExited,
    decode,
)
from pytest_ato.capture.sandbox.errors import SandboxError


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((1, 0, 0), Ready()),
        ((2, 0, errno.ENOEXEC), ExecFailed(errno.ENOEXEC)),
        ((2, 3, errno.EPERM), SetupFailed("the unprivileged user", errno.EPERM)),
        ((3, 7, 0), TargetExited(7, 0)),
        ((3, 0, 11), TargetExited(0, 11)),
        ((4, 0, 0), Empty()),
    ],
)
def test_each_message(fields, message):
    assert decode(MESSAGE.pack(*fields)) == message


def test_the_end_of_the_stream():
    assert decode(b"") == Closed()


def test_reasons_are_sentences():
    assert ExecFailed(errno.ENOEXEC).reason == "the target could not be executed: Exec format error"
    assert SetupFailed("the limits", errno.EPERM).reason == (
        "the sandbox could not set the limits: Operation not permitted"
    )


MESSAGES = (Ready, ExecFailed, SetupFailed, TargetExited, Empty)


@given(st.binary(min_size=1, max_size=64) | st.binary(min_size=12, max_size=12))
def test_whatever_comes_is_a_message_or_an_error_of_ours(data):
    with suppress(SandboxError):
        assert isinstance(decode(data), MESSAGES)
        assert len(data) == MESSAGE.size
