"""source_disagreement: two sources of the same question differ, and timing cannot explain it.

Owns the questions that are compared: which planted file was opened (calls beside the file itself),
which path (as the program gave it beside the kernel's), which destination (calls beside the
kernel's copy). A difference that a known side door explains is `kernel_bypass_io`'s. Where the
capture lost events, or was made by a loader that does not see all calls, nothing can be said to be
absent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.destinations import Destinations, Difference, Named
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.names import canonical
from pytest_ato.detectors.paths import normal, stable_path, text
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.model.events import (
    Chmod,
    Connect,
    Datagram,
    Dns,
    Door,
    End,
    FileEvent,
    Flow,
    Link,
    Open,
    Rename,
    Send,
    Start,
    Truncate,
    Unlink,
)
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event

_EXPLAINING: Final = frozenset({"io_uring", "int80"})
"""Doors after which the kernel names destinations that no call names."""
_CUT_OFF: Final = frozenset({"timeout", "limit", "interrupted"})
_DNS_PORT: Final = 53
_MAX_KNOWN: Final = 65536
_MAX_ALONE: Final = 1000


class SourceDisagreement(Detector):
    """Finds races on arguments, and ways to files and destinations that no call shows."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-INT-033",
        name="source_disagreement",
        category=Category.INTEGRITY,
        severity=Severity.HIGH,
        title="Two sources of the same question differ",
        technique="T1562.006",
        wants=(
            *(Open, Rename, Link, Unlink, Truncate, Chmod),
            *(Connect, Send, Door, Datagram, Dns, Flow, Start, End),
        ),
        places=(),
        fires="two independent sources tell different things of the same fact: the path at "
        "entry and exit, the address of the program and of the kernel, a file that no "
        "call opened",
        silent="fanotify merging its events, a descriptor that was given, io_uring and 32-bit "
        "calls, which have detectors of their own",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._destinations = Destinations()
        self._alone: list[tuple[Named, ProcessState]] = []
        self._explained: set[int] = set()
        """Processes (serials) that used a door of `_EXPLAINING`."""
        self._on_the_wire: set[tuple[str, int]] = set()
        self._end: End | None = None
        self._sees_all_calls = True

    def process(self, event: Event) -> Iterable[Finding]:
        """Report what the pair of records shows at once."""
        match event:
            case Connect() | Send():
                for difference in self._destinations.take(event):
                    yield from self._differs(difference)
            case FileEvent() if event.changed:
                yield self._path(event)
            case Door() if event.name in _EXPLAINING and len(self._explained) < _MAX_KNOWN:
                self._explained.add(self.context.processes.actor(event.pid).serial)
            case Datagram() | Flow():
                self._saw(event.address, event.port)
            case Dns():
                self._saw(event.server, _DNS_PORT)
            case Start():
                self._sees_all_calls = "not captured" not in event.probes.values()
            case End():
                self._end = event

    def finish(self) -> Iterable[Finding]:
        """Report what is absent in one source, if the capture was whole."""
        end = self._end
        lost = end is None or any(counters.lost for counters in end.counters.values())
        if end is None or lost or not self._sees_all_calls:
            return
        if end.ended not in _CUT_OFF:  # else a call may not have come back
            for difference in self._destinations.rest():
                yield from self._differs(difference)
        for event, process in self._alone:
            is_explained = process.serial in self._explained
            was_sent = isinstance(event, Connect) or self._was_seen(event)
            if was_sent and not is_explained:
                yield self._unnamed(event, process)
        for touched, door in self.context.touches.by_side_door():
            if door:
                continue
            path = f"~/{touched.token.path}"
            access = ", ".join(sorted(touched.access))
            proof = f"{path} tells {access} by {touched.process.label}; no call opened it"
            yield self.finding(
                key=f"file:{touched.token.name}",
                title=f"{path} was used by {touched.process.label}, but no call opened it",
                evidence=(Evidence(ts=touched.ts, text=proof, pid=touched.process.pid),),
                where=path,
                process=touched.process,
            )

    def _differs(self, difference: Difference) -> Iterable[Finding]:
        kernel, call = difference.kernel, difference.call
        process = self.context.processes.actor(kernel.pid)
        if call is None:
            if len(self._alone) < _MAX_ALONE:
                self._alone.append((kernel, process))
            return
        real = self.context.names.describe(kernel.address, kernel.port)
        claimed = self.context.names.describe(call.address, call.port)
        proof = (
            f"the call names {show(call.address)} port {call.port}, "
            f"the kernel took {show(kernel.address)} port {kernel.port}"
        )
        yield self.finding(
            key="destination",
            title=f"{process.label} names {claimed} in its call, the kernel was given {real}",
            evidence=(Evidence(ts=kernel.ts, text=proof, pid=kernel.pid),),
            where=real,
            process=process,
        )

    def _unnamed(self, event: Named, process: ProcessState) -> Finding:
        real = self.context.names.describe(event.address, event.port)
        kind = "connect" if isinstance(event, Connect) else "send"
        proof = f"the kernel took {show(event.address)} port {event.port}; no {kind} call named it"
        return self.finding(
            key=f"unnamed:{real}",
            title=f"{process.label}: {kind} to {real} that no call names",
            evidence=(Evidence(ts=event.ts, text=proof, pid=event.pid),),
            where=real,
            process=process,
        )

    def _path(self, event: FileEvent) -> Finding:
        given, file = show(event.path), show(event.file or "")
        differs = isinstance(event, Open) and event.result >= 0 and _is_another(event)
        real = stable_path(event.path if event.file is None else event.file, self.context.home)
        what = f"{file} was opened" if differs else "which file it was is not certain"
        label = self.context.processes.label(event.pid)
        return self.finding(
            key=f"path:{show(event.call, 40)}",  # not the file: each run ends the race otherwise
            title=f"{label} changes a path while {show(event.call, 40)} reads it: {what}",
            severity=Severity.HIGH if differs else Severity.MEDIUM,
            evidence=(
                Evidence(
                    ts=event.ts,
                    text=f"{event.call} was given {given}; the kernel says {file}",
                    pid=event.pid,
                ),
            ),
            where=real,
            pid=event.pid,
            count=event.count,
        )

    def _saw(self, address: str, port: int) -> None:
        if len(self._on_the_wire) < _MAX_KNOWN:
            self._on_the_wire.add((canonical(address) or address, port))

    def _was_seen(self, event: Named) -> bool:
        return (canonical(event.address) or event.address, event.port) in self._on_the_wire


def _is_another(event: Open) -> bool:
    """Whether the kernel's path is not the one that was given, as far as names tell."""
    given = normal(event.path)
    file = text(event.file) if event.file is not None else given
    if given.startswith("/"):
        return file != given
    while given.startswith("../"):
        given = given[3:]
    return given not in (".", "..") and not file.endswith(f"/{given}")
