"""fileless_exec: a program runs that has no file on disk which could be looked at later.

Owns the ways in which that is seen: the kernel's name of the image and its number of links; for
scripts, whose image is the interpreter, the descriptor that they are read from; for libraries, the
private mapping that the dynamic loader makes. JIT compilers and libffi map a memfd executable too,
but shared, since they write it by another mapping.
"""

from __future__ import annotations

import mmap
import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.paths import stable_path, text
from pytest_ato.detectors.programs import command_line, is_interpreter, script_argument
from pytest_ato.model.events import Exec, Map, Memfd
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import Octets, show
from pytest_ato.model.record import Event

_MEMFD: Final = "/memfd:"
_SHARED_MEMORY: Final = ("/dev/shm/", "/run/shm/")  # noqa: S108  (names to compare with)
_DESCRIPTOR: Final = re.compile(r"/(?:dev/fd|proc/(?:self|thread-self|[0-9]+)/fd)/([0-9]{1,9})")
_WHAT: Final = {
    "memfd": "a memfd",
    "shared_memory": "a file in shared memory",
    "deleted_file": "a deleted file",
}
_MAX_MEMFDS: Final = 65536


class FilelessExec(Detector):
    """Finds what is executed of a memfd, of shared memory or of a deleted file, and memfds that are
    loaded as libraries."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-EXE-024",
        name="fileless_exec",
        category=Category.EXECUTION,
        severity=Severity.CRITICAL,
        title="A program without a file on disk is executed",
        technique="T1620",
        wants=(Memfd, Exec, Map),
        fires="a memfd, a file in /dev/shm or a deleted file is executed, or mapped as a "
        "program's code",
        silent="a memfd that holds data, a JIT's memory",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._memfds: OrderedDict[tuple[int, int], Octets] = OrderedDict()
        """Names by (serial of the process, descriptor)."""

    def process(self, event: Event) -> Iterable[Finding]:
        """Report an execution as soon as it is seen."""
        match event:
            case Memfd(result=fd) if fd >= 0:
                self._memfds[self.context.processes.actor(event.pid).serial, fd] = event.name
                if len(self._memfds) > _MAX_MEMFDS:
                    self._memfds.popitem(last=False)
            case Exec():
                found = self._image(event) or self._script(event)
                if found:
                    return (self._report(event, *found),)
            case Map(file=file, result=result) if file is not None and result >= 0:
                if event.flags & mmap.MAP_PRIVATE and text(file).startswith(_MEMFD):
                    return (self._library(event, file),)
        return ()

    def _image(self, event: Exec) -> tuple[str, Octets] | None:
        """What is odd about the image that runs, and its name."""
        if text(event.file).startswith(_MEMFD):
            return "memfd", event.file
        for path in (event.file, event.path):
            if text(path).startswith(_SHARED_MEMORY):
                return "shared_memory", path
        return ("deleted_file", event.file) if event.links == 0 else None

    def _script(self, event: Exec) -> tuple[str, Octets] | None:
        """The memfd that an interpreter reads its script from."""
        if not is_interpreter(event.file, event.argv):
            return None
        for path in (text(event.path), script_argument(event.argv)):
            descriptor = _DESCRIPTOR.fullmatch(path)
            name = self._memfd(event.pid, int(descriptor.group(1))) if descriptor else None
            if name is not None:
                return "memfd", f"{_MEMFD}{text(name)}"
        return None

    def _memfd(self, pid: int, fd: int) -> Octets | None:
        """Name of the memfd that descriptor `fd` was in the process or one that it came from."""
        process = self.context.processes.actor(pid)
        for state in (process, *reversed(process.ancestors)):
            name = self._memfds.get((state.serial, fd))
            if name is not None:
                return name
        return None

    def _library(self, event: Map, where: Octets) -> Finding:
        stable = stable_path(where)
        what = f"{self.context.processes.label(event.pid)} loads code from a memfd ({stable})"
        return self.finding(
            key=f"library:{stable}",
            title=what,
            severity=Severity.HIGH,
            evidence=(Evidence(ts=event.ts, text=what, pid=event.pid),),
            where=where,
            pid=event.pid,
        )

    def _report(self, event: Exec, what: str, where: Octets) -> Finding:
        stable = stable_path(where)
        command = command_line(event.argv)
        by = self.context.processes.label(event.pid)
        return self.finding(
            key=f"{what}:{stable}",
            title=f"{by} executes {_WHAT[what]} ({stable})",
            evidence=(
                Evidence(
                    ts=event.ts,
                    text=f"{event.call} of {show(where)} ({event.links} links): {command}",
                    pid=event.pid,
                ),
            ),
            where=where,
            pid=event.pid,
        )
