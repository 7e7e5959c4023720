"""code_injection: code is put where another program runs it, in memory or through its loader.

Owns the three ways: the loader's list for all programs (``/etc/ld.so.preload``), a library of the
target's mapped by a program of the system's that loads no such thing by itself, and writes into
another process. A JIT writes and maps its own memory, and is silent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from pytest_ato.detectors.extensions import loads_no_extension
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.outcome import NO_SUCH_PROCESS, outcome
from pytest_ato.detectors.paths import (
    TEMPORARY,
    destination,
    home_relative,
    opens_for_writing,
    resolved,
    stable_path,
    text,
)
from pytest_ato.detectors.peers import Relation
from pytest_ato.detectors.procfs import PREFIX, proc_entry
from pytest_ato.detectors.programs import base_name
from pytest_ato.model.events import Door, Link, Map, Open, Rename
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event

PRELOAD: Final = "/etc/ld.so.preload"
_PROT_EXEC: Final = 4
_WRITES: Final = frozenset(
    {"PTRACE_POKETEXT", "PTRACE_POKEDATA", "PTRACE_POKEUSR", "PTRACE_SETREGS", "PTRACE_SETREGSET"}
)


class CodeInjection(Detector):
    """Finds ld.so.preload, injected libraries and writes into other processes."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-PRV-026",
        name="code_injection",
        category=Category.PRIVILEGE,
        severity=Severity.HIGH,
        title="Code is put into another program",
        technique="T1055",
        wants=(Open, Rename, Link, Map, Door),
        places=(PRELOAD, PREFIX),
        fires="ld.so.preload is written, LD_PRELOAD brings a library of the target's into "
        "other programs, or another process's memory is written",
        silent="a JIT, an extension module that is imported, a debugger on its child",
    )

    def process(self, event: Event) -> Iterable[Finding]:
        """Report an attempt as soon as it is seen."""
        match event:
            case Open() if opens_for_writing(event):
                if resolved(event) == PRELOAD:
                    yield self._preload(event)
                else:
                    yield from self._memory(event)
            case Rename() | Link() if destination(event) == PRELOAD:
                yield self._preload(event)
            case Map() if event.prot & _PROT_EXEC and event.file is not None:
                yield from self._library(event)
            case Door(name="process_vm_writev"):
                yield from self._written(event, event.aim, event.name)
            case Door(name="ptrace") if event.detail in _WRITES:
                yield from self._written(event, event.aim, event.detail)

    def _preload(self, event: Open | Rename | Link) -> Finding:
        result = outcome(event.result)
        return self.finding(
            key="preload",
            title=f"{self.context.processes.label(event.pid)} writes {PRELOAD}, "
            f"which every program loads{result}",
            evidence=(
                Evidence(ts=event.ts, text=f"{event.call} of {PRELOAD}{result}", pid=event.pid),
            ),
            where=PRELOAD,
            pid=event.pid,
            count=event.count,
        )

    def _memory(self, event: Open) -> Iterable[Finding]:
        entry = proc_entry(event)
        if entry is not None and entry.name == "mem":
            yield from self._written(event, entry.number, "/proc/PID/mem")

    def _written(self, event: Open | Door, number: int, way: str) -> Iterable[Finding]:
        relation = self.context.peers.relation(event.pid, number)
        if relation in (Relation.SELF, Relation.DEBUGGED) or event.result in NO_SUCH_PROCESS:
            return
        name = self.context.peers.name(number)
        whom = self.context.peers.describe(number)
        result = outcome(event.result)
        yield self.finding(
            key=f"write:{way}:{name}",
            title=f"{self.context.processes.label(event.pid)} writes into {whom} by {way}{result}",
            evidence=(
                Evidence(
                    ts=event.ts, text=f"{way} aimed at {number} ({name}){result}", pid=event.pid
                ),
            ),
            where=name,
            pid=event.pid,
            count=event.count,
        )

    def _library(self, event: Map) -> Iterable[Finding]:
        path = text(event.file or "")
        if event.result < 0 or not self._is_targets(path):
            return
        process = self.context.processes.get(event.pid)
        if process is None or not loads_no_extension(process):
            return
        stable = stable_path(path, self.context.home)
        program = show(base_name(process.file), 40)
        yield self.finding(
            key=f"library:{stable}:{program}",
            title=f"{process.label}: {program} is made to load {stable}",
            evidence=(
                Evidence(
                    ts=event.ts, text=f"{event.call} of {show(path)}, executable", pid=event.pid
                ),
            ),
            where=path,
            pid=event.pid,
        )

    def _is_targets(self, path: str) -> bool:
        """Whether the file lies where the target may write, and is no part of what is audited."""
        if not (path.startswith(TEMPORARY) or home_relative(path, self.context.home)[:2] == "~/"):
            return False
        spec = self.context.spec
        placed = spec.target.placed if spec else ()
        return not any(path == one.dest or path.startswith(f"{one.dest}/") for one in placed)
