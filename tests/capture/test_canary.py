"""Telling init's test calls from the target's events, and which probe missed one."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pytest_ato.capture.canary import FILES, Canary
from pytest_ato.model.events import (
    Connect,
    Door,
    Exec,
    Exit,
    Fork,
    Open,
    Output,
    Send,
    SocketState,
    Touch,
)
from pytest_ato.model.record import Event

INIT, CHILD, TARGET = 10, 11, 12
NONCE = "0123abcd"
PROBES = (
    "sys_enter",
    "sys_exit",
    "sched_process_fork",
    "sched_process_exec",
    "sched_process_exit",
    "inet_sock_set_state",
    "io_uring",
    "connect4",
    "connect6",
    "sendmsg4",
    "sendmsg6",
    "fanotify",
)


def opened(path: str, pid: int = INIT) -> Open:
    return Open(ts=0, pid=pid, call="open", path=path)


def executed(pid: int, path: str = "/opt/x/x") -> Exec:
    return Exec(ts=0, pid=pid, path=path, file=path, argv=(path,))


def canary_round(number: int = 0) -> list[Event]:
    file = FILES[number]
    touch = Touch(ts=0, pid=INIT, dev=1, inode=2, path=file, access=("open",))
    events: list[Event] = [opened(f"/{NONCE}.begin{file}")]
    for family, address in (("inet", "127.0.0.1"), ("inet6", "::1")):
        common = {"ts": 0, "pid": INIT, "source": "kernel", "family": family, "address": address}
        events += [Connect(**common), Send(**common)]
    state = {"cookie": 1, "local": "127.0.0.1", "local_port": 1, "address": "127.0.0.1", "port": 1}
    return [
        *events,
        SocketState(ts=0, pid=INIT, old="CLOSE", new="SYN_SENT", **state),
        Door(ts=0, pid=INIT, name="io_uring", detail="NOP"),
        Fork(ts=0, pid=INIT, child=CHILD),
        executed(CHILD, "/init"),
        Exit(ts=0, pid=CHILD),
        opened(file),
        touch,
        opened(f"/{NONCE}.end{file}"),
    ]


def target() -> list[Event]:
    return [
        Fork(ts=0, pid=INIT, child=TARGET),
        executed(TARGET),
        opened("/etc/passwd", TARGET),
        Output(ts=0, stream="stdout", data="hello"),
        Exit(ts=0, pid=TARGET),
    ]


def sift(events: Iterable[Event]) -> tuple[Canary, list[Event]]:
    canary = Canary(NONCE, INIT)
    return canary, list(canary.sift(events))


def test_only_the_targets_events_pass() -> None:
    canary, passed = sift([*canary_round(), *target(), *canary_round(1)])
    assert passed == target()
    assert canary.silent(PROBES, ended=True) == {}


@pytest.mark.parametrize(
    ("kind", "missed"),
    [
        (SocketState, {"inet_sock_set_state"}),
        (Door, {"io_uring"}),
        (Fork, {"sched_process_fork"}),
        (Exec, {"sched_process_exec"}),
        (Exit, {"sched_process_exit"}),
        (Connect, {"connect4", "connect6"}),
        (Send, {"sendmsg4", "sendmsg6"}),
        (Touch, {"fanotify"}),
    ],
)
def test_a_probe_that_missed_its_call_is_named(kind: type[Event], missed: set[str]) -> None:
    before = [event for event in canary_round() if not isinstance(event, kind)]
    canary, _ = sift([*before, *target(), *canary_round(1)])
    assert canary.silent(PROBES, ended=True) == dict.fromkeys(missed, "before the target")


def test_a_probe_that_died_meanwhile_is_named() -> None:
    canary, passed = sift([*canary_round(), *target()])
    assert passed == target()
    assert canary.silent(PROBES, ended=True) == dict.fromkeys(PROBES, "after the target")
    assert canary.silent(PROBES, ended=False) == {}


def test_blind_probes_are_named_for_both_rounds() -> None:
    canary, _ = sift(target())
    assert set(canary.silent(PROBES, ended=True).values()) == {
        "before the target and after the target"
    }


def test_what_init_does_in_the_targets_process_is_left_out() -> None:
    preparation = opened("/proc/self/oom_score_adj", TARGET)
    fork, *rest = target()
    _, passed = sift([fork, preparation, *rest])
    assert passed == target()


def test_the_target_cannot_hide_behind_the_canary() -> None:
    """A target that opens the canary's paths opens no window."""
    forged = [opened(f"/{NONCE}.begin{FILES[0]}", TARGET), opened("/home/user/.ssh/id_rsa", TARGET)]
    _, passed = sift([*canary_round(), *target()[:2], *forged])
    assert passed[2:] == forged


def test_a_touch_of_the_canarys_file_by_the_target_is_nothing() -> None:
    touch = Touch(ts=0, pid=TARGET, dev=1, inode=2, path=FILES[0], access=("read",))
    _, passed = sift([*canary_round(), *target()[:2], touch])
    assert passed == target()[:2]


@pytest.mark.parametrize(("error", "missed"), [(1, False), (13, False), (38, False), (12, True)])
def test_a_host_that_forbids_io_uring_has_nothing_for_its_probe(error: int, missed: bool) -> None:
    def refused(number: int) -> list[Event]:
        setup = Door(ts=0, pid=INIT, name="io_uring_setup", result=-error)
        return [setup if isinstance(e, Door) else e for e in canary_round(number)]

    canary, _ = sift([*refused(0), *target(), *refused(1)])
    assert ("io_uring" in canary.silent(PROBES, ended=True)) == missed
