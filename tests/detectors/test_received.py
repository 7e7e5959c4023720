"""Network bytes are followed to forks and through pipes, and to nobody else."""

from __future__ import annotations

import pytest

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.received import Received
from pytest_ato.model.events import Exec, Tcp

PIPE_OUT = ("null", "pipe", "null")
PIPE_IN = ("pipe", "file", "null")


@pytest.fixture
def follow(log):
    """Play the log; return the context and what `Received` knows at its end."""

    def play() -> tuple[Context, Received]:
        context = Context()
        received = Received(context.processes, context.sockets)
        for event in log.events:
            for update in context.updates.get(type(event), ()):
                update(event)
            if isinstance(event, Exec):
                received.executed(event)
            elif isinstance(event, Tcp):
                received.arrived(event)
        return context, received

    return play


def holders(follow, *pids: int) -> list[bool]:
    context, received = follow()
    return [received.holds(context.processes.actor(pid)) for pid in pids]


def test_the_receiver_and_what_it_forks(log, follow) -> None:
    sibling = log.spawn(log.root, "/usr/bin/make")
    receiver = log.spawn(log.root, "/usr/bin/curl")
    log.tcp(receiver, "203.0.113.9", 80)
    child = log.spawn(receiver, "/usr/bin/tar")
    assert holders(follow, receiver, child, sibling, log.root) == [True, True, False, False]


def test_a_pipe_leads_to_its_readers_only(log, follow) -> None:
    receiver = log.spawn(log.root, "/usr/bin/curl", stdio=PIPE_OUT)
    reader = log.spawn(log.root, "/usr/bin/tar", stdio=PIPE_IN)
    other = log.spawn(log.root, "/usr/bin/make", stdio=("null", "file", "file"))
    log.tcp(receiver, "203.0.113.9", 80)
    subshell = log.fork(log.root)
    assert holders(follow, reader, subshell, other) == [True, True, False]


def test_an_answer_without_a_byte_gives_nothing(log, follow) -> None:
    log.tcp(log.root, "203.0.113.9", 80, b"hello", reply=b"")
    assert holders(follow, log.root) == [False]
