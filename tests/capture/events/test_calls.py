"""What the kernel side reports of a program that makes every call once, under real capture."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TypeVar

import pytest

from pytest_ato.audit import Outcome
from pytest_ato.model import events
from pytest_ato.model.octets import B64
from pytest_ato.model.record import Event, TaskEvent

pytestmark = pytest.mark.privileged

E = TypeVar("E", bound=Event)


@pytest.fixture(scope="module")
def outcome(audited: Callable[[str], Outcome]) -> Outcome:
    return audited("calls")


@pytest.fixture(scope="module")
def log(outcome: Outcome) -> list[Event]:
    return list(outcome.events())


def of(log: list[Event], kind: type[E]) -> list[E]:
    return [event for event in log if isinstance(event, kind)]


def opens(log: list[Event]) -> dict[object, events.Open]:
    return {event.path: event for event in of(log, events.Open)}


def test_the_program_did_what_the_test_believes(outcome: Outcome) -> None:
    assert (outcome.returncode, outcome.stderr) == (0, b"")


def test_the_capture_was_whole(outcome: Outcome) -> None:
    assert outcome.report.inconclusive == ()
    for counts in outcome.report.coverage.counters.values():
        assert counts.produced == counts.consumed > 0
        assert (counts.lost, counts.unread, counts.coalesced) == (0, 0, 0)


def test_each_way_to_open(log: list[Event]) -> None:
    found = opens(log)
    assert (found["opened"].call, found["opened"].file) == ("open", "/tmp/opened")
    assert (found["inner"].call, found["inner"].file) == ("openat", "/tmp/dir/inner")
    calls = {event.call for event in of(log, events.Open) if event.path == "/tmp/created"}
    assert calls == {"creat", "openat2"}


def test_a_link_is_seen_through(log: list[Event]) -> None:
    assert opens(log)["/tmp/soft"].file == "/tmp/created"


def test_one_file_has_one_identity_by_every_name(log: list[Event]) -> None:
    same = [event for event in of(log, events.Open) if event.file == "/tmp/created"]
    assert len(same) >= 3
    assert len({(event.dev, event.inode) for event in same}) == 1


def test_a_long_path_is_whole(log: list[Event]) -> None:
    (found,) = [event for path, event in opens(log).items() if len(str(path)) > 2900]
    assert str(found.path).startswith("/tmp/./.")
    assert (found.file, found.truncated) == ("/tmp/created", False)


def test_a_path_that_the_kernel_refused_is_not_a_loss(log: list[Event]) -> None:
    (found,) = [event for event in of(log, events.Open) if event.result == -errno.EFAULT]
    assert found.path == ""


def test_names_that_move(log: list[Event]) -> None:
    (rename,) = of(log, events.Rename)
    assert (rename.path, rename.file, rename.to_file) == (
        "inner",
        "/tmp/dir/inner",
        "/tmp/dir/moved",
    )
    hard, soft = of(log, events.Link)
    assert (hard.file, hard.to_file, hard.symbolic) == ("/tmp/created", "/tmp/hard", False)
    assert (soft.path, soft.to_file, soft.symbolic) == ("/tmp/created", "/tmp/soft", True)
    assert {event.file for event in of(log, events.Unlink)} == {
        "/tmp/dir/moved",
        "/tmp/dir",
        "/tmp/hard",
    }


def test_modes_and_lengths(log: list[Event]) -> None:
    assert {(event.file, event.mode) for event in of(log, events.Chmod)} == {
        ("/tmp/created", 0o640),
        ("/tmp/dir", 0o750),
    }
    (truncate,) = of(log, events.Truncate)
    assert truncate.file == "/tmp/created"


def test_executable_memory(log: list[Event]) -> None:
    maps = of(log, events.Map)
    assert any(str(event.file).endswith("/libc.so.6") for event in maps)
    assert any(event.call == "mprotect" and event.file is None for event in maps)
    (memfd,) = of(log, events.Memfd)
    assert memfd.name == "a name"


def test_destinations_by_both_sources(log: list[Event]) -> None:
    connects = [event for event in of(log, events.Connect) if event.port == 4101]
    assert {(event.source, event.address, event.protocol) for event in connects} == {
        ("syscall", "127.0.0.1", "tcp"),
        ("kernel", "127.0.0.1", "tcp"),
    }
    (refused,) = [event for event in connects if event.source == "syscall"]
    assert refused.result == -errno.ECONNREFUSED
    states = [event for event in of(log, events.SocketState) if event.port == 4101]
    assert ("CLOSE", "SYN_SENT") in {(event.old, event.new) for event in states}


def test_a_unix_socket_has_its_path(log: list[Event]) -> None:
    assert "/tmp/no.sock" in {event.address for event in of(log, events.Connect)}


def test_every_datagram_with_an_address(log: list[Event]) -> None:
    sends = of(log, events.Send)
    by_call = sorted((event.port, event.size) for event in sends if event.source == "syscall")
    assert by_call == [(4102, 5), (4103, 4), (4104, 4), (4104, 4)]
    assert sorted(event.port for event in sends if event.source == "kernel") == [
        4102,
        4103,
        4104,
        4104,
    ]
    (bind,) = of(log, events.Bind)
    assert (bind.address, bind.port, bind.result) == ("127.0.0.1", 4102, 0)


def test_processes_and_not_threads(log: list[Event]) -> None:
    root, true = of(log, events.Exec)
    children = [event.child for event in of(log, events.Fork) if event.pid == root.pid]
    assert len(children) == 3
    assert true.pid == children[0]
    exits = {event.pid: (event.status, event.signal) for event in of(log, events.Exit)}
    assert [exits[child] for child in children] == [(0, 0), (7, 0), (0, 9)]


def test_arguments_are_lossless(log: list[Event]) -> None:
    true = of(log, events.Exec)[1]
    assert true.argv == ("true", B64(b"one \xff"), "")
    assert (true.path, true.file, true.stdio) == (
        "/bin/true",
        "/usr/bin/true",
        ("pipe", "pipe", "pipe"),
    )


def test_events_are_in_order_of_time(log: list[Event]) -> None:
    times = [event.ts for event in log if isinstance(event, TaskEvent)]
    assert times == sorted(times)
