"""spike_guard: hints of a source that sends too much, and no more of them than are of use."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_ato.flows.flowmap import FlowMap
from pytest_ato.flows.program import Program

from .conftest import ipv4

pytestmark = pytest.mark.privileged

Load = Callable[..., Program]
WINDOW = 1.08
"""Seconds, a little more than the kernel side's."""


def frame(source: str, port: int = 1000) -> bytes:
    return ipv4(struct.pack("!HHHH", port, 53, 8, 0), socket.IPPROTO_UDP, source)


def send(program: Program, source: str, count: int, port: int = 1000) -> None:
    program.trial("netflow_filter", frame(source, port), repeat=count)


@pytest.fixture(autouse=True)
def _one_processor() -> Iterator[None]:
    """A source is counted on each processor by itself."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


def test_a_loud_source_is_told_once(load: Load, bpffs: Path) -> None:
    program = load(spike_packets=1000, spike_quiet=60)
    send(program, "192.0.2.1", 5000)
    send(program, "192.0.2.7", 900)
    (spike,) = program.spikes()
    assert spike.source == "192.0.2.1"
    assert spike.direction == "out"
    assert 1000 < spike.packets <= 1000 + 16
    assert program.spikes() == []
    with FlowMap(bpffs / "flow_map") as flows:
        counts = flows.counts()
    assert counts.spikes == 1
    assert counts.spikes_untold > 100


def test_many_flows_of_one_source_count_together(load: Load) -> None:
    program = load(spike_packets=200)
    for port in range(1, 242):  # few enough to be within one window on a slow machine
        send(program, "192.0.2.1", 1, port)
    assert [spike.source for spike in program.spikes()] == ["192.0.2.1"]


def test_it_is_told_again_when_it_was_quiet_for_long_enough(load: Load) -> None:
    program = load(spike_packets=1000, spike_quiet=0.2)
    send(program, "192.0.2.1", 3000)
    first = program.spikes()
    time.sleep(0.3)
    send(program, "192.0.2.1", 3000)
    assert len(first) >= 1
    assert len(program.spikes()) >= 1


def test_what_was_long_ago_does_not_count(load: Load) -> None:
    program = load(spike_packets=1000)
    send(program, "192.0.2.1", 900)
    time.sleep(2 * WINDOW)
    send(program, "192.0.2.1", 900)
    assert program.spikes() == []


def test_zero_is_never(load: Load) -> None:
    program = load(spike_packets=0)
    send(program, "192.0.2.1", 300_000)
    assert program.spikes() == []


def test_the_answers_source_is_who_sends_them(load: Load) -> None:
    program = load(spike_packets=1000, spike_quiet=60)
    program.trial("netflow_twin", frame("192.0.2.1"), repeat=3000)
    (spike,) = program.spikes()
    assert (spike.source, spike.direction) == ("192.0.2.1", "in")
