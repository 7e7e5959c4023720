"""Who is who: the target's processes, in the order of the log, with their lineages.

Owns the answer to "which program was this pid, and where did it come from". Pids are reused, so
each fork makes a new state; a state never changes, and can be kept by a detector as it is.
Memory is bounded whatever the target does: a lineage keeps its root and its last links, and of
the processes that have ended only the latest are remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from pytest_ato.model.events import Exec, Exit, Fork, Start
from pytest_ato.model.findings import Process
from pytest_ato.model.octets import Octets, raw, show
from pytest_ato.model.record import Event

MAX_LINEAGE: Final = 16
"""Links of a lineage that are kept: the root, and the last ones with the actor."""
MAX_ARGV: Final = 16
"""Arguments that a link keeps."""
MAX_ENDED: Final = 8192
"""Processes that have ended and are still known, for events that come late."""
MAX_KNOWN: Final = 65536
"""All processes that are known at once; above it, the one seen first is forgotten."""
_LABEL_NAME: Final = 32
_LABEL_LINKS: Final = 5


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process as it was at one moment of the log."""

    pid: int
    ppid: int
    path: Octets = ""
    """Name of its program as the kernel was given it: the script, for a script."""
    file: Octets = ""
    """Kernel's path of its image: the interpreter, for a script."""
    argv: tuple[Octets, ...] = ()
    serial: int = 0
    """Unique number of the process, also when its pid is used again."""
    image: int = 0
    """Unique number of the exec whose image it runs; what it forks has the same until it execs."""
    ancestors: tuple[ProcessState, ...] = ()
    """From the root down, without itself: former images of the same process included. They come
    without ancestors of their own; `line` has them whole."""

    @property
    def lineage(self) -> tuple[Process, ...]:
        """From the target's root to this process, as a finding carries it."""
        return tuple(
            Process(pid=state.pid, path=state.path, argv=state.argv[:MAX_ARGV])
            for state in (*self.ancestors, self)
        )

    @property
    def label(self) -> str:
        """Its lineage as a short printable text, such as ``sh → curl``."""
        links: list[str] = []
        previous = -1
        for state in (*self.ancestors, self):
            if state.image != previous:
                links.append(_name(state))
            previous = state.image
        if len(links) > _LABEL_LINKS:
            links = [links[0], "…", *links[2 - _LABEL_LINKS :]]
        return " → ".join(links)

    @property
    def line(self) -> tuple[ProcessState, ...]:
        """Its ancestors from the root down and itself, each whole, with its own ancestors."""
        whole = (replace(s, ancestors=self.ancestors[:i]) for i, s in enumerate(self.ancestors))
        return (*whole, self)

    def descends_from(self, other: ProcessState) -> bool:
        """Whether `other` is this process or one that it came from, as far as links are kept."""
        return self.serial == other.serial or any(
            state.serial == other.serial for state in self.ancestors
        )

    def in_line_with(self, other: ProcessState) -> bool:
        """Whether one of the two descends from the other, or both run the same exec's image."""
        return self.image == other.image or self.descends_from(other) or other.descends_from(self)


class ProcessTable:
    """All processes of one audit, kept up to date by `update`."""

    def __init__(self) -> None:
        self.root: ProcessState | None = None
        """The first process of the target, with its present image."""
        self._known: OrderedDict[int, ProcessState] = OrderedDict()
        self._ended: OrderedDict[int, int] = OrderedDict()  # pid to serial, oldest end first
        self._init = 0
        self._serial = 0

    def get(self, pid: int) -> ProcessState | None:
        """Return what `pid` is at this point of the log; None for a pid never heard of."""
        return self._known.get(pid)

    def actor(self, pid: int) -> ProcessState:
        """What `pid` is at this point of the log; for a pid never heard of, a state of its own."""
        return self._known.get(pid) or ProcessState(pid=pid, ppid=0, serial=-pid, image=-pid)

    def lineage(self, pid: int) -> tuple[Process, ...]:
        """From the target's root to `pid`; empty for a pid never heard of."""
        state = self._known.get(pid)
        return state.lineage if state else ()

    def is_descendant(self, pid: int, ancestor: int) -> bool:
        """Whether `pid` is `ancestor` or came from it, as far as the kept links tell."""
        state, other = self._known.get(pid), self._known.get(ancestor)
        return state is not None and other is not None and state.descends_from(other)

    def label(self, pid: int) -> str:
        """Short printable lineage, such as ``sh → curl``; ``process 12`` when it is not known."""
        state = self._known.get(pid)
        return state.label if state else f"process {pid}"

    def update(self, event: Event) -> None:
        """Take one event; one that fits no known process makes one, so lost events do no harm."""
        match event:
            case Exec():
                self._exec(event)
            case Fork():
                self._fork(event)
            case Exit():
                self._exit(event)
            case Start():
                self._init = event.init

    def _fork(self, event: Fork) -> None:
        parent = self._known.get(event.pid)
        serial = self._next()
        if parent is None:
            child = ProcessState(pid=event.child, ppid=event.pid, serial=serial, image=serial)
        else:
            child = replace(
                parent,
                pid=event.child,
                ppid=event.pid,
                serial=serial,
                ancestors=_bounded((*parent.ancestors, parent)),
            )
        self._remember(child)

    def _exec(self, event: Exec) -> None:
        before = self._known.get(event.pid)
        ancestors: tuple[ProcessState, ...] = ()
        if before is None:
            parent = self._known.get(event.ppid)
            ancestors = _bounded((*parent.ancestors, parent)) if parent else ()
            serial, ppid = self._next(), event.ppid
        else:
            ancestors, serial, ppid = before.ancestors, before.serial, before.ppid
            if _was_itself_executed(before):
                ancestors = _bounded((*ancestors, before))
        self._remember(
            ProcessState(
                pid=event.pid,
                ppid=ppid,
                path=event.path,
                file=event.file,
                argv=event.argv[:MAX_ARGV],
                serial=serial,
                image=self._next(),
                ancestors=ancestors,
            )
        )

    def _exit(self, event: Exit) -> None:
        state = self._known.get(event.pid)
        if state is None:
            return
        self._ended[event.pid] = state.serial
        self._ended.move_to_end(event.pid)
        if len(self._ended) > MAX_ENDED:
            pid, serial = self._ended.popitem(last=False)
            known = self._known.get(pid)
            if known is not None and known.serial == serial:
                del self._known[pid]

    def _remember(self, state: ProcessState) -> None:
        self._known[state.pid] = state
        self._ended.pop(state.pid, None)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        is_first = self.root is None and self._init in (0, state.ppid)
        if is_first or (self.root is not None and self.root.serial == state.serial):
            self.root = state

    def _next(self) -> int:
        self._serial += 1
        return self._serial


def _was_itself_executed(state: ProcessState) -> bool:
    """Whether the process's image is its own, not one that it got by being forked."""
    return bool(state.file or state.path) and not (
        state.ancestors and state.ancestors[-1].image == state.image
    )


def _bounded(ancestors: tuple[ProcessState, ...]) -> tuple[ProcessState, ...]:
    if len(ancestors) < MAX_LINEAGE:
        return _light(ancestors)
    return _light((ancestors[0], *ancestors[2 - MAX_LINEAGE :]))


def _light(ancestors: tuple[ProcessState, ...]) -> tuple[ProcessState, ...]:
    """Cut the ancestors' own ancestors off: a chain of forks without end must not keep them all."""
    return tuple(replace(state, ancestors=()) if state.ancestors else state for state in ancestors)


def _name(state: ProcessState) -> str:
    name = PurePosixPath(raw(state.path or state.file).decode("utf-8", "surrogateescape")).name
    return show(name, _LABEL_NAME) if name else f"process {state.pid}"
