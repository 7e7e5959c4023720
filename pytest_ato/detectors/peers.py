"""What a process is to another one that it names by a number: itself, its own child, a stranger.

Owns the sandbox's numbering, by which programs name each other while events have the host's pids,
and who is under a debugger of its own line. Judges nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum, auto
from typing import Final, TypeVar

from pytest_ato.detectors.processes import ProcessState, ProcessTable
from pytest_ato.detectors.programs import base_name
from pytest_ato.model.events import Door, Exec, Fork
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event

INIT: Final = 1
"""The sandbox's own first process, which is no part of the target."""
ATTACHING: Final = frozenset({"PTRACE_ATTACH", "PTRACE_SEIZE"})
_MAX_KNOWN: Final = 65536
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Relation(Enum):
    """What the process that is named is to the one that names it."""

    SELF = auto()
    DEBUGGED = auto()
    """A descendant that let itself be traced, or was attached to: what a debugger works on."""
    DESCENDANT = auto()
    OTHER = auto()
    """All else: what it came from, its siblings, the sandbox's init, a number never heard of."""


class Peers:
    """Numbers and relations of one audit's processes, kept up to date by `update`."""

    def __init__(self, processes: ProcessTable) -> None:
        self._processes = processes
        self._number_of: OrderedDict[int, int] = OrderedDict()  # by serial
        self._named: OrderedDict[int, tuple[int, int]] = OrderedDict()  # to host pid and serial
        self._debugged: OrderedDict[int, None] = OrderedDict()  # serials

    def update(self, event: Event) -> None:
        """Take a `Fork`, `Exec` or `Door` record, after the process table took it."""
        match event:
            case Fork():
                self._learn(event.child, event.inner)
            case Exec():
                self._learn(event.pid, event.inner)
            case Door(name="ptrace") if event.result >= 0:
                self._traced(event)

    def process(self, number: int) -> ProcessState | None:
        """The process of the target that has this number now, or had it last."""
        pid, serial = self._named.get(number, (0, 0))
        state = self._processes.get(pid)
        return state if state is not None and state.serial == serial else None

    def relation(self, pid: int, number: int) -> Relation:
        """What number `number` (0: itself) is to the process with the host's `pid`."""
        actor = self._processes.actor(pid)
        if number in (0, self._number_of.get(actor.serial)):
            return Relation.SELF
        other = self.process(number)
        if other is None:
            return Relation.OTHER
        if other.serial == actor.serial:
            return Relation.SELF
        if not other.descends_from(actor):
            return Relation.OTHER
        return Relation.DEBUGGED if other.serial in self._debugged else Relation.DESCENDANT

    def name(self, number: int) -> str:
        """Program of the process with this number: printable, the same in every run."""
        if number == INIT:
            return "init"
        other = self.process(number)
        return show(base_name(other.path or other.file), 40) if other else "unknown"

    def describe(self, number: int) -> str:
        """The same in words, for a title."""
        name = self.name(number)
        return "the sandbox's init" if name == "init" else f"another process ({name})"

    def _learn(self, pid: int, number: int) -> None:
        state = self._processes.get(pid)
        if number and state is not None:
            _put(self._number_of, state.serial, number)
            _put(self._named, number, (pid, state.serial))

    def _traced(self, event: Door) -> None:
        if event.detail == "PTRACE_TRACEME":
            _put(self._debugged, self._processes.actor(event.pid).serial, None)
        elif event.detail in ATTACHING:
            other = self.process(event.aim)
            if other is not None and other.descends_from(self._processes.actor(event.pid)):
                _put(self._debugged, other.serial, None)


def _put(known: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > _MAX_KNOWN:
        known.popitem(last=False)
