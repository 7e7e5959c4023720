"""A dispatcher that is killed at the worst moments: no packet is lost in the evidence, none counted
twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from .conftest import Service, Stack

pytestmark = pytest.mark.privileged

Serve = Callable[..., Service]

_KILLED = """
import os, signal, sys
from pytest_ato.cli import main
from pytest_ato.evidence.log.files import LogFile

whole, appends = LogFile.append, 0

def append(file, data):
    global appends
    appends += 1
    if appends == 3 and b'"type":"flows"' in data:
        moment = sys.argv.pop()
        if moment == "torn":
            os.write(file._descriptor, data[: len(data) // 2])
        elif moment == "after":
            whole(file, data)
        os.kill(os.getpid(), signal.SIGKILL)
    whole(file, data)

LogFile.append = append
main(["dispatch", *sys.argv[1:-1]])
"""
"""`ato dispatch`, killed around the second write of flows."""


@pytest.mark.parametrize("moment", ["before", "torn", "after"])
def test_killed_around_the_append(stack: Stack, moment: str) -> None:
    options = [
        *(f"--map={stack.settings.map}", f"--log={stack.settings.log}"),
        *("--listen=127.0.0.1:0", "--interval=0.05", "--idle=0.3"),
    ]
    process = subprocess.Popen([sys.executable, "-c", _KILLED, *options, moment], stderr=-3)
    sent = stack.send(10, packets=10)  # silent from then on, so it may leave
    while process.poll() is None:
        for port in range(1, 6):
            sent += stack.send(port, packets=port)
        time.sleep(0.02)
    assert process.returncode == -signal.SIGKILL
    with stack.dispatcher() as dispatcher:
        dispatcher.finish()
    assert sum(stack.packets()) == sent
    assert len(stack.packets()) == 6


def test_killed_again_and_again_while_packets_come(stack: Stack, serve: Serve) -> None:
    """With every entry removed as soon as it is silent, too."""
    sent = 0
    for turn in range(4):
        service = serve("--idle=0.05")
        until = time.monotonic() + 0.1 + 0.07 * turn
        while time.monotonic() < until:
            for port in range(1, 40):
                sent += stack.send(1 + port * turn, packets=2)
        service.process.kill()
        service.process.wait()
    with stack.dispatcher() as dispatcher:
        dispatcher.finish()
    assert sum(stack.packets()) == sent


def test_a_signal_to_end_has_the_last_batch_written(stack: Stack, serve: Serve) -> None:
    service = serve("--interval=3600")
    while not service.value("verified_flows_total") and not service.value("map_flows"):
        stack.send(9, packets=1)  # the first round may be over before there is a flow
        if service.value("round_duration_seconds_count"):
            break
    before = sum(stack.packets())
    sent = stack.send(1, packets=100)
    status, errors = service.end()
    assert (status, errors) == (0, "")
    assert 0 <= sum(stack.packets()) - sent - before <= 1
    log = stack.settings.log.read_bytes()
    assert log.count(b'"event":"started"') == log.count(b'"event":"ended"') == 1


def test_what_is_unsigned_at_the_end_is_in_the_map_for_the_next(stack: Stack, serve: Serve) -> None:
    service = serve("--interval=3600")
    sent = stack.send(1, packets=10)
    stack.settings.log.unlink()
    stack.settings.log.mkdir()
    status, errors = service.end()
    assert status == 2
    assert "flow records are not signed" in errors
    assert "Traceback" not in errors
    stack.settings.log.rmdir()
    with stack.dispatcher() as dispatcher:
        dispatcher.finish()
    assert sum(stack.packets()) == sent
