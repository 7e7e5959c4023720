"""The proof of liveness: what capture saw of the calls that the sandbox's init makes itself.

Owns telling init's own events from the target's, and the answer to "did every probe see its call,
before the target started and after its last process ended?". Init's side is sandbox/canary.h.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from typing import Final

from pytest_ato.model.events import (
    Connect,
    Door,
    Exec,
    Exit,
    Fork,
    Open,
    Send,
    SocketState,
    Touch,
)
from pytest_ato.model.record import Event, TaskEvent

FILES: Final = ("/etc/hostname", "/etc/nsswitch.conf")
"""Marked by fanotify for the canary alone, one a round: CANARY_BEFORE and _AFTER of canary.h."""

_ROUNDS: Final = ("before the target", "after the target")
_PLAIN: Final[dict[type[Event], tuple[str, ...]]] = {
    Fork: ("sched_process_fork", "task_newtask"),
    Exec: ("sched_process_exec", "exec_return"),
    Exit: ("sched_process_exit",),
    SocketState: ("inet_sock_set_state",),
    Open: ("sys_enter", "sys_exit", "sys_enter_openat", "sys_exit_openat"),
}
"""Probes of either loader that an event came through."""
_CALLS: Final[dict[type[Event], tuple[str, ...]]] = {
    Connect: ("sys_enter_connect", "sys_exit_connect"),
    Send: ("sys_enter_sendto", "sys_exit_sendto"),
}
_KERNEL_HOOKS: Final = {
    (Connect, "inet"): "connect4",
    (Connect, "inet6"): "connect6",
    (Send, "inet"): "sendmsg4",
    (Send, "inet6"): "sendmsg6",
}
_REFUSED: Final = (errno.EPERM, errno.EACCES, errno.ENOSYS)
"""By these the host forbids io_uring: to init, and so to the target."""


class Uprobe(TaskEvent, frozen=True, kw_only=True):
    """A probe on a function of a file saw init call its own; never part of an event log."""

    probe: str


class Canary:
    """Watches one audit's events, which must come in order of time; `init` is init's host pid."""

    def __init__(self, nonce: str, init: int) -> None:
        self._begins = tuple(f"/{nonce}.begin{file}" for file in FILES)
        self._ends = tuple(f"/{nonce}.end{file}" for file in FILES)
        self._init = init
        self._seen: tuple[set[str], set[str]] = (set(), set())
        self._inside = False
        self._executed = False

    def sift(self, events: Iterable[Event]) -> Iterator[Event]:
        """Pass on what is not the canary's, nor init's, nor done in the target's process before
        its exec."""
        init = self._init
        for event in events:
            # What comes in floods first; to ask whether it is of a class that it is not costs most.
            if type(event) is Open and self._executed and not self._inside and event.pid != init:
                yield event
            elif isinstance(event, Uprobe):
                self._seen[self._executed].add(event.probe)
            elif not isinstance(event, TaskEvent):
                yield event
            elif self._executed and event.pid != init and not self._inside:
                if not (isinstance(event, Touch) and event.path in FILES):
                    yield event
            elif not self._ours(event):
                yield event

    def silent(self, expected: Iterable[str], *, ended: bool) -> dict[str, str]:
        """Return which of the `expected` probes missed their call, and when; the round after the
        target took place only if its run has `ended`."""
        missed = {}
        for name in expected:
            rounds = _ROUNDS if ended else _ROUNDS[:1]
            when = [
                word for word, seen in zip(rounds, self._seen, strict=False) if name not in seen
            ]
            if when:
                missed[name] = " and ".join(when)
        return missed

    def _ours(self, event: TaskEvent) -> bool:
        if isinstance(event, Open) and event.pid == self._init:
            self._inside = event.path in self._begins or (
                self._inside and event.path not in self._ends
            )
        if isinstance(event, Touch):  # it may come late, so the file tells the round
            if event.path in FILES and event.pid == self._init:
                self._seen[FILES.index(event.path)].add("fanotify")
            return event.path in FILES
        if self._inside or event.pid == self._init:
            root = isinstance(event, Fork) and not self._inside
            if not root:
                self._seen[self._executed].update(_probes_of(event))
            return not root
        self._executed = self._executed or isinstance(event, Exec)
        return not (self._executed or isinstance(event, Fork | Exit))


def _probes_of(event: TaskEvent) -> tuple[str, ...]:
    if isinstance(event, Connect | Send):
        if event.source == "syscall":
            return _CALLS[type(event)]
        hook = _KERNEL_HOOKS.get((type(event), event.family), "")
        return (hook,) if hook else ()
    if isinstance(event, Door):
        through = event.name == "io_uring" and event.detail == "NOP"
        refused = event.name == "io_uring_setup" and -event.result in _REFUSED
        return ("io_uring",) if through or refused else ()
    return _PLAIN.get(type(event), ())
