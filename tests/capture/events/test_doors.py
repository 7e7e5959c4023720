"""The odd doors, and fanotify as the second source for planted files, under real capture."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_ato.audit import Outcome
from pytest_ato.model.events import Connect, Door, Fork, Open, Planted, Send, Touch
from pytest_ato.model.record import Event

pytestmark = pytest.mark.privileged

SECRET = "/home/user/.aws/credentials"


@pytest.fixture(scope="module")
def outcome(audited: Callable[[str], Outcome]) -> Outcome:
    return audited("doors")


@pytest.fixture(scope="module")
def log(outcome: Outcome) -> list[Event]:
    return list(outcome.events())


@pytest.fixture(scope="module")
def doors(log: list[Event]) -> list[Door]:
    return [event for event in log if isinstance(event, Door)]


def one(doors: list[Door], name: str, detail: str = "") -> Door:
    (found,) = [door for door in doors if door.name == name and detail in door.detail]
    return found


def test_the_capture_was_whole(outcome: Outcome) -> None:
    assert (outcome.returncode, outcome.report.inconclusive) == (0, ())


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("io_uring_setup", ""),
        ("io_uring", "OPENAT"),
        ("io_uring", "READ"),
        ("io_uring", "CONNECT"),
        ("ptrace", "PTRACE_SEIZE"),
        ("process_vm_readv", ""),
        ("process_vm_writev", ""),
        ("pidfd_open", ""),
        ("pidfd_getfd", ""),
        ("unshare", "CLONE_NEWUSER|CLONE_NEWNET"),
        ("setns", "CLONE_NEWUTS"),
        ("mount", ""),
        ("bpf", "BPF_PROG_LOAD"),
        ("perf_event_open", ""),
        ("userfaultfd", "UFFD_USER_MODE_ONLY"),
        ("finit_module", ""),
        ("keyctl", ""),
        ("pass_descriptor", "1 descriptor"),
        ("open_by_handle_at", ""),
        ("sendfile", ""),
        ("splice", ""),
        ("copy_file_range", ""),
        ("socket", "AF_PACKET SOCK_RAW"),
        ("socket", "AF_INET SOCK_RAW"),
        ("socket", "AF_VSOCK SOCK_STREAM"),
        ("int80", "call 20"),
    ],
)
def test_each_door_is_told_once(doors: list[Door], name: str, detail: str) -> None:
    assert one(doors, name, detail).count == 1


def test_ordinary_calls_are_no_doors(doors: list[Door]) -> None:
    assert {door.detail for door in doors if door.name == "socket"} == {
        "AF_PACKET SOCK_RAW",
        "AF_INET SOCK_RAW",
        "AF_VSOCK SOCK_STREAM",
    }
    assert not [door for door in doors if door.name in ("clone", "clone3")]


def test_refused_doors_have_their_result(doors: list[Door]) -> None:
    for name, detail in (
        ("socket", "AF_PACKET"),
        ("socket", "AF_VSOCK"),
        ("bpf", ""),
        ("finit_module", ""),
        ("open_by_handle_at", ""),
    ):
        assert one(doors, name, detail).result < 0


def test_a_process_aimed_at_is_named_as_the_sandbox_numbers_it(
    doors: list[Door], log: list[Event]
) -> None:
    children = {event.inner for event in log if isinstance(event, Fork)}
    assert one(doors, "ptrace").aim in children
    for name in ("process_vm_readv", "process_vm_writev", "pidfd_open"):
        assert one(doors, name).aim == one(doors, "ptrace").aim


def test_io_uring_names_its_file_and_address(outcome: Outcome, doors: list[Door]) -> None:
    assert b"io_uring opened: 1" in outcome.stderr
    assert one(doors, "io_uring", "OPENAT").file == SECRET
    connect = one(doors, "io_uring", "CONNECT")
    assert (connect.address, connect.port) == ("127.0.0.1", 4201)


def test_a_file_is_the_same_file_by_every_door(log: list[Event], doors: list[Door]) -> None:
    (planted,) = [event for event in log if isinstance(event, Planted) and event.path == SECRET]
    identity = (planted.dev, planted.inode)
    read = one(doors, "io_uring", "READ")
    assert (read.dev, read.inode) == identity
    for name in ("sendfile", "splice", "copy_file_range"):
        door = one(doors, name)
        assert (door.dev, door.inode, door.file) == (*identity, SECRET)
    (opened,) = [event for event in log if isinstance(event, Open) and event.file == SECRET]
    assert (opened.dev, opened.inode) == identity


def test_fanotify_saw_the_file_whatever_the_way(log: list[Event]) -> None:
    touches = [event for event in log if isinstance(event, Touch)]
    assert {event.path for event in touches} == {SECRET}
    assert {"open", "read"} <= {access for event in touches for access in event.access}


def test_each_door_says_whose_it_is(doors: list[Door], log: list[Event]) -> None:
    processes = {event.child for event in log if isinstance(event, Fork)}
    assert {door.pid for door in doors} <= processes


def test_a_fast_open_has_its_destination_by_call_and_kernel(log: list[Event]) -> None:
    told = [event for event in log if isinstance(event, Connect | Send) and event.port == 4202]
    assert {(type(event), event.source, event.address) for event in told} == {
        (Send, "syscall", "127.0.0.1"),
        (Connect, "kernel", "127.0.0.1"),
    }
