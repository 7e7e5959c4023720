"""Calls paired with the kernel's copies of their destinations, thread by thread."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from pytest_ato.detectors.destinations import MESSAGES_TOLD, SLACK, Destinations
from pytest_ato.model import events as ev

PEER, OTHER = "203.0.113.9", "203.0.113.10"


def connect(source: str, address: str = PEER, **fields: Any) -> ev.Connect:
    known = {"ts": 1, "pid": 5, "tid": 5, "family": "inet", "port": 80, "protocol": "tcp"}
    return ev.Connect(**{**known, "source": source, "address": address, **fields})


def send(source: str, address: str = PEER, **fields: Any) -> ev.Send:
    known = {"ts": 1, "pid": 5, "tid": 5, "family": "inet", "port": 53, "protocol": "udp"}
    return ev.Send(**{**known, "source": source, "address": address, **fields})


def differences(*events: ev.Connect | ev.Send) -> list[tuple[str, str | None]]:
    """What the kernel took, and what the call named: None where no call went with it."""
    destinations = Destinations()
    found = [each for event in events for each in destinations.take(event)]
    return [
        (each.kernel.address, each.call.address if each.call else None)
        for each in (*found, *destinations.rest())
    ]


@pytest.mark.parametrize(
    ("kernel", "call"),
    [
        (PEER, PEER),
        (PEER, f"::ffff:{PEER}"),
        ("127.0.0.1", "0.0.0.0"),  # "any" is the own machine
        ("::1", "::"),
    ],
)
def test_one_destination_however_it_is_spelled(kernel: str, call: str) -> None:
    assert differences(connect("kernel", kernel), connect("syscall", call, protocol="")) == []


def test_a_call_that_names_another_destination() -> None:
    assert differences(connect("kernel"), connect("syscall", OTHER)) == [(PEER, OTHER)]
    assert differences(connect("kernel"), connect("syscall", port=81)) == [(PEER, PEER)]


def test_a_copy_that_no_call_goes_with() -> None:
    assert differences(connect("kernel")) == [(PEER, None)]
    other_thread = connect("syscall", tid=6)
    assert differences(connect("kernel"), other_thread) == [(PEER, None)]


def test_a_call_may_come_before_its_copy_but_not_by_much() -> None:
    assert differences(connect("syscall", ts=1), connect("kernel", ts=1 + SLACK)) == []
    late = connect("kernel", ts=2 + SLACK)
    assert differences(connect("syscall", ts=1), late) == [(PEER, None)]


@pytest.mark.parametrize("error", [errno.EFAULT, errno.EISCONN, errno.EINVAL])
def test_a_call_that_ended_before_the_kernel_looked_says_nothing(error: int) -> None:
    refused = connect("syscall", OTHER, result=-error)
    assert differences(refused) == []
    # The copy waits for the call that it belongs to.
    assert differences(connect("kernel"), refused, connect("syscall")) == []


def test_sockets_tell_their_calls_apart() -> None:
    first, second = connect("kernel", cookie=1), connect("kernel", OTHER, cookie=2)
    calls = connect("syscall", cookie=1), connect("syscall", OTHER, cookie=2)
    assert differences(first, calls[0], second, calls[1]) == []
    assert differences(first, connect("syscall", OTHER, cookie=2)) == [(PEER, None)]


def test_of_one_sendmmsg_the_rest_is_not_told() -> None:
    copies = [send("kernel") for _ in range(MESSAGES_TOLD + 4)]
    told = [send("syscall") for _ in range(MESSAGES_TOLD)]
    assert differences(*copies, *told) == []
    assert differences(*copies, *told[1:]) == [(PEER, None)] * 5


def test_what_no_hook_sees_waits_for_nothing() -> None:
    assert differences(connect("syscall", family="unix", address="/run/x")) == []
    assert differences(send("syscall", protocol="icmp")) == []
    assert differences(connect("kernel", family="unix", address="/run/x")) == []
