"""dropped_executable: the target writes a program and runs it, or a library and maps it.

Owns how bad that is. Every build does it, and every self-extractor: low. What came over the
network just before, or is run from a temporary place and removed, is what a dropper does: high.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from pytest_ato.detectors.builders import is_builder, is_packager
from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.paths import is_temporary, opens_for_writing, stable_path
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.received import Received
from pytest_ato.detectors.written import WrittenFile, WrittenFiles
from pytest_ato.model.events import Exec, Link, Map, Open, Rename, Tcp, Unlink
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event

_PROT_EXEC: Final = 4
_MAP_SHARED: Final = 1
_ACCESS_MODE: Final = 3
_WRITE_ONLY: Final = 1
_FAILED: Final = range(-4095, 0)
_MAX_USES: Final = 10_000


@dataclass(slots=True)
class _Use:
    """A written file at its first execution or mapping."""

    file: WrittenFile
    ts: int
    process: ProcessState
    is_exec: bool
    is_script: bool
    from_network: bool
    """Whether it held network bytes at that time."""
    was_deleted: bool
    count: int = 1


class DroppedExecutable(Detector):
    """Finds files that are written in this audit and then executed or mapped executable.

    Silent on programs that are written and never run, on scripts that are an interpreter's
    argument, and on the scripts that pip puts into a virtual environment of the target's own.
    """

    definition: ClassVar[Definition] = Definition(
        rule="ATO-EXE-025",
        name="dropped_executable",
        category=Category.EXECUTION,
        severity=Severity.HIGH,
        title="A program that the target wrote is executed",
        technique="T1105",
        declarable=frozenset({"child", "file"}),
        wants=(Open, Rename, Link, Unlink, Tcp, Exec, Map),
        fires="a file that was written in this audit is executed or mapped as code: high after "
        "bytes from the network, or from a temporary place and deleted, or of unknown "
        "origin; low for the output of compilers and archivers",
        silent="a text file that is written and read, a script that is given to an interpreter "
        "of the system",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._files = WrittenFiles()
        self._received = Received(context.processes, context.sockets)
        self._uses: dict[tuple[WrittenFile, bool], _Use] = {}
        self._environments: set[str] = set()
        self._builders: dict[int, bool] = {}
        """`is_builder` by image."""
        self._follow_reads = False
        """Whether a file with network bytes exists: until then, reads need no look."""

    def process(self, event: Event) -> Iterable[Finding]:
        """Note what is written, received and run; what becomes of a file shows at the end."""
        match event:
            case Open():
                if event.result >= 0:
                    self._opened(event)
            case Rename():
                self._files.renamed(event)
            case Link():
                self._files.linked(event)
            case Unlink():
                self._files.unlinked(event)
            case Tcp():
                self._received.arrived(event)
            case Exec():
                self._received.executed(event)
                self._executed(event)
            case Map():
                self._mapped(event)
        return ()

    def finish(self) -> Iterable[Finding]:
        """Judge each use."""
        for use in self._uses.values():
            if not (use.is_script and self._is_installed(use.file)):
                yield self._report(use)

    def _opened(self, event: Open) -> None:
        if self._follow_reads and event.flags & _ACCESS_MODE != _WRITE_ONLY:
            read = self._files.of(event)
            if read is not None and read.from_network:
                self._received.add(self.context.processes.actor(event.pid))
        if not opens_for_writing(event):
            return
        writer = self.context.processes.actor(event.pid)
        holds = self._received.holds(writer)
        file = self._files.written(event, writer, holds, self._is_builder(writer))
        self._follow_reads |= file.from_network
        if posixpath.basename(file.path) == "pyvenv.cfg" and len(self._environments) < _MAX_USES:
            self._environments.add(posixpath.dirname(file.path))

    def _is_builder(self, process: ProcessState) -> bool:
        known = self._builders.get(process.image)
        if known is None:
            if len(self._builders) >= _MAX_USES:
                self._builders.clear()
            known = self._builders[process.image] = is_builder(process)
        return known

    def _executed(self, event: Exec) -> None:
        image = self._files.of(event)
        file = image or self._files.script(event)
        if file is None:
            return
        # A downloader may open its file before the first byte arrives.
        late = self._received.holds_itself(file.writer)
        process = self.context.processes.actor(event.pid)
        use = _Use(
            file=file,
            ts=event.ts,
            process=process,
            is_exec=True,
            is_script=image is None,
            from_network=file.from_network or late,
            was_deleted=bool(file.deleted) or (image is not None and event.links == 0),
        )
        self._used(use)

    def _mapped(self, event: Map) -> None:
        if not event.prot & _PROT_EXEC or event.file is None or event.result in _FAILED:
            return
        if event.links == 0 and event.flags & _MAP_SHARED:
            return  # libffi and JIT compilers map a nameless file twice, to write and to run
        file = self._files.of(event)
        if file is not None:
            process = self.context.processes.actor(event.pid)
            self._used(_Use(file, event.ts, process, False, False, file.from_network, False))

    def _used(self, use: _Use) -> None:
        key = use.file, use.is_exec
        known = self._uses.get(key)
        if known is None:
            if len(self._uses) < _MAX_USES:
                self._uses[key] = use
            return
        known.count += 1
        known.from_network |= use.from_network
        known.was_deleted |= use.was_deleted

    def _is_installed(self, file: WrittenFile) -> bool:
        """Whether pip or venv put it into a virtual environment that this audit made."""
        if file.from_network or not is_packager(file.writer):
            return False
        return any(file.path.startswith(f"{folder}/") for folder in self._environments)

    def _report(self, use: _Use) -> Finding:
        file, stable = use.file, stable_path(use.file.path)
        hit_and_run = (
            use.is_exec
            and is_temporary(file.path)
            and (use.was_deleted or bool(file.deleted))
            and not file.by_tool
        )
        severity = Severity.HIGH if use.from_network or hit_and_run else Severity.LOW
        why = ""
        if use.from_network:
            why = " after bytes from the network"
        elif hit_and_run:
            why = " to a temporary place, then removed"
        verb = "executes" if use.is_exec else "maps"
        # One finding for all libraries of a folder: an unpacked application maps dozens.
        key = f"run:{stable}" if use.is_exec else f"map:{posixpath.dirname(stable)}"
        return self.finding(
            key=key,
            title=f"{use.process.label} {verb} {stable}, written by {file.writer.label}{why}",
            severity=severity,
            evidence=self._evidence(use, verb),
            where=file.path,
            process=use.process,
            count=use.count,
        )

    def _evidence(self, use: _Use, verb: str) -> Iterable[Evidence]:
        file, name = use.file, show(use.file.path)
        writer = file.writer
        wrote = f"{writer.label} writes {name}"
        if use.from_network:
            wrote += ", after it got bytes from the network"
        yield Evidence(ts=file.ts, text=wrote, pid=writer.pid)
        yield Evidence(
            ts=use.ts,
            text=f"{use.process.label} {verb} it{f', {use.count} times' if use.count > 1 else ''}",
            pid=use.process.pid,
        )
        if file.deleted:
            yield Evidence(ts=file.deleted, text=f"{name} is removed")
