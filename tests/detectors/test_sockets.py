"""Owners of sockets, by client port and by destination."""

from __future__ import annotations

import pytest

from pytest_ato.detectors import sockets as sockets_module
from pytest_ato.detectors.processes import ProcessTable
from pytest_ato.detectors.sockets import Sockets
from pytest_ato.model import events as ev

ADDRESS = "203.0.113.9"


@pytest.fixture
def owner(log):
    """``owner(client_port, port)``: the pid that the log leads to, or None."""

    def ask(client_port, port=80):
        processes = ProcessTable()
        sockets = Sockets(processes)
        for event in log.events:
            processes.update(event)
            sockets.update(event)
        found = sockets.owner(client_port, ADDRESS, port)
        return found.pid if found else None

    return ask


def test_two_clients_of_one_destination(log, owner):
    first, second = log.fork(log.root), log.fork(log.root)
    log.tcp(first, ADDRESS, 80, b"x")
    log.tcp(second, ADDRESS, 80, b"x")
    assert owner(40_001) == first
    assert owner(40_002) == second
    assert owner(40_003) == second  # the last that named it
    assert owner(40_001, port=81) is None


def test_a_local_port_that_is_known_at_once(log, owner):
    child = log.fork(log.root)
    log.add(
        ev.SocketState,
        pid=child,
        cookie=9,
        old="CLOSE",
        new="SYN_SENT",
        local="192.0.2.2",
        local_port=5000,
        address="::ffff:203.0.113.9",
        port=80,
    )
    assert owner(5000) == child


def test_states_in_a_foreign_process_name_nobody(log, owner):
    log.add(
        ev.SocketState,
        pid=log.root,
        cookie=9,
        old="SYN_SENT",
        new="ESTABLISHED",
        local="192.0.2.2",
        local_port=5000,
        address=ADDRESS,
        port=80,
    )
    assert owner(5000) is None


def test_an_unknown_process_keeps_its_pid(log, owner):
    log.tcp(4711, ADDRESS, 80, b"x")
    assert owner(40_001) == 4711


def test_memory_is_bounded(log, monkeypatch):
    monkeypatch.setattr(sockets_module, "MAX_SOCKETS", 10)
    sockets = Sockets(ProcessTable())
    for port in range(1, 100):
        log.tcp(log.root, ADDRESS, port, b"x")
    for event in log.events:
        sockets.update(event)
    maps = (sockets._by_cookie, sockets._by_flow, sockets._by_destination)
    assert [len(known) for known in maps] == [10, 10, 10]
