"""Orders come whole or not at all, and the end of input means that the caller is gone."""

from __future__ import annotations

import contextlib
import os
import threading

import msgspec
import pytest

from pytest_ato.capture.caller import Caller
from pytest_ato.model.errors import UsageError
from pytest_ato.model.spec import AuditSpec, Target

TARGET = Target(name="a", path="/a", sha256="", size=0, format="elf", placed=())


def order(**fields: object) -> bytes:
    return msgspec.json.encode(AuditSpec(run_id="1", target=TARGET, **fields)) + b"\n"


@pytest.fixture
def pipe():
    read, write = os.pipe()
    with os.fdopen(write, "wb", buffering=0) as far:
        yield Caller(read), far
    os.close(read)


def test_two_orders_in_one_write_are_two(pipe):
    caller, far = pipe
    far.write(order(timeout=1) + order(timeout=2))
    far.close()
    assert [caller.next().timeout, caller.next().timeout] == [1, 2]
    assert caller.next() is None


def test_half_an_order_is_none(pipe):
    caller, far = pipe
    far.write(order()[:-1])
    far.close()
    assert caller.next() is None
    assert caller.gone


def test_nonsense_is_refused(pipe):
    caller, far = pipe
    far.write(b'{"run_id": 1}\n')
    with pytest.raises(msgspec.DecodeError):
        caller.next()


def feed(far, data: bytes) -> threading.Thread:
    def work() -> None:
        with contextlib.suppress(OSError):
            far.write(data)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_the_longest_standard_input_fits(pipe):
    caller, far = pipe
    thread = feed(far, order(stdin=bytes(64 << 20)))
    assert len(caller.next().stdin) == 64 << 20
    thread.join()


def test_an_order_without_end_is_refused(pipe):
    caller, far = pipe
    thread = feed(far, b"x" * (98 << 20))
    with pytest.raises(UsageError, match="longer than 96 MiB"):
        caller.next()
    while thread.is_alive():
        caller.poll()
    thread.join()
