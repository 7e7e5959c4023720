"""Streams of plaintext that wait for their connection: in bounds, and given to the right one."""

from __future__ import annotations

import pytest

from pytest_ato.detectors import unjoined as unjoined_module
from pytest_ato.detectors.connection import Connection
from pytest_ato.detectors.processes import ProcessState, ProcessTable
from pytest_ato.detectors.unjoined import Unjoined, connection_of
from pytest_ato.detectors.view import Numbers, Place
from pytest_ato.model.events import Handshake, Tls

REQUEST = "GET / HTTP/1.1"


@pytest.fixture
def processes() -> list[ProcessState]:
    table = ProcessTable()
    return [table.actor(pid) for pid in (5, 6)]


def tls(data: str = REQUEST, via: str = "openssl", direction: str = "out") -> Tls:
    return Tls(ts=1, via=via, stream=1, direction=direction, data=data, size=len(data))


def connection(process: ProcessState, *plain: Tls) -> Connection:
    place = Place(1, "vendor.example:443", "198.18.0.7", 443, process, "tls", ("tls",))
    made = Connection(place, Numbers(), (40_001, "198.18.0.7", 443), begun=1)
    made.handshake = Handshake(
        ts=1,
        connection=1,
        outcome="intercepted",
        sni="vendor.example",
        client="192.0.2.2",
        client_port=40_001,
        address="198.18.0.7",
        port=443,
    )
    for event in plain:
        list(made.tls(event))
    return made


def test_the_longest_waiting_goes_first(processes: list[ProcessState]) -> None:
    room = Unjoined()
    for number in (1, 2):
        room.add(("openssl", number), tls(), processes[0])
        room.add(("openssl", number), tls(), processes[0])
    popped = room.pop()
    assert popped is not None
    assert popped[0] == ("openssl", 1)
    assert popped[1].head == (REQUEST * 2).encode()[: len(popped[1].head)]
    assert room.take(("openssl", 1)) is None
    assert room.take(("openssl", 2)) is not None
    assert room.pop() is None


def test_the_room_is_full_by_number_and_by_bytes(
    processes: list[ProcessState], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unjoined_module, "MAX_STREAMS", 1)
    room = Unjoined()
    room.add(("openssl", 1), tls(), processes[0])
    assert not room.is_full
    room.add(("openssl", 2), tls(), processes[0])
    assert room.is_full
    room.pop()
    assert not room.is_full
    monkeypatch.setattr(unjoined_module, "MAX_BYTES", 1000)
    room.add(("openssl", 2), tls("x" * 1000), processes[0])
    assert room.is_full


def test_it_belongs_to_the_connection_that_began_alike(processes: list[ProcessState]) -> None:
    mine, other = processes
    room = Unjoined()
    room.add(("openssl", 1), tls(), mine)
    waiting = room.take(("openssl", 1))
    assert waiting is not None
    unlike = connection(mine, tls("POST", via="proxy"))
    alike = connection(mine, tls(via="proxy"))
    others = connection(other, tls(via="proxy"))
    silent = connection(mine)
    assert connection_of(waiting, "openssl", [unlike, silent, others, alike]) is alike
    assert connection_of(waiting, "openssl", [unlike, silent, others]) is others
    assert connection_of(waiting, "openssl", [unlike, silent]) is silent
    assert connection_of(waiting, "openssl", [unlike]) is None
    taken = connection(mine, tls())
    assert connection_of(waiting, "openssl", [taken]) is None  # has a stream of that source
