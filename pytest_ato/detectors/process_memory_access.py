"""process_memory_access: one process reaches into the memory or the descriptors of another.

Owns which calls reach in. A debugger at work on what it started itself is silent; refusal is no
excuse, for whether it is refused depends on the machine (Yama's ``ptrace_scope``), not on the
program.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.outcome import NO_SUCH_PROCESS, outcome
from pytest_ato.detectors.peers import ATTACHING, Relation
from pytest_ato.detectors.procfs import PREFIX, proc_entry
from pytest_ato.model.events import Door, Open
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.record import Event

_VECTORS: Final = frozenset({"process_vm_readv", "process_vm_writev"})
_MAX_KNOWN: Final = 65536


class ProcessMemoryAccess(Detector):
    """Finds /proc/PID/mem, process_vm_readv and its twin, ptrace, pidfd_getfd on another."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-CRD-006",
        name="process_memory_access",
        category=Category.CREDENTIAL_ACCESS,
        severity=Severity.HIGH,
        title="Another process's memory is reached into",
        technique="T1003.007",
        wants=(Open, Door),
        places=(PREFIX,),
        fires="another process's memory is opened by /proc/PID/mem, copied by process_vm_readv "
        "or process_vm_writev, or the process is attached to by ptrace, also when "
        "refused",
        silent="a debugger on the child that it started, a process's own memory",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._handles: dict[int, tuple[int, Relation]] = {}
        """Process that a process (by serial) got a pidfd of, the most foreign one."""

    def process(self, event: Event) -> Iterable[Finding]:
        """Report an attempt as soon as it is seen."""
        match event:
            case Open():
                entry = proc_entry(event)
                if entry is not None and entry.name == "mem":
                    what = f"{event.call} of /proc/{entry.number or 'self'}/mem"
                    yield from self._reached(event, entry.number, "mem", what)
            case Door(name="ptrace") if event.detail in ATTACHING:
                yield from self._reached(event, event.aim, "ptrace", event.detail)
            case Door() if event.name in _VECTORS:
                yield from self._reached(event, event.aim, event.name, event.name)
            case Door(name="pidfd_open") if event.result >= 0:
                self._handle(event)
            case Door(name="pidfd_getfd"):
                yield from self._descriptor(event)

    def _reached(self, event: Open | Door, number: int, way: str, what: str) -> Iterable[Finding]:
        peers = self.context.peers
        relation = peers.relation(event.pid, number)
        is_attached = way == "ptrace" and relation is Relation.DESCENDANT  # by this very call
        if relation in (Relation.SELF, Relation.DEBUGGED) or is_attached:
            return
        if event.result not in NO_SUCH_PROCESS:
            yield self._report(event, way, what, number)

    def _handle(self, event: Door) -> None:
        serial = self.context.processes.actor(event.pid).serial
        relation = self.context.peers.relation(event.pid, event.aim)
        known = self._handles.get(serial)
        if known is None and len(self._handles) >= _MAX_KNOWN:
            return
        if known is None or known[1] is not Relation.OTHER:
            self._handles[serial] = (event.aim, relation)

    def _descriptor(self, event: Door) -> Iterable[Finding]:
        """The call names a pidfd, and where that came from is known only if it was opened here."""
        serial = self.context.processes.actor(event.pid).serial
        number, relation = self._handles.get(serial, (event.aim, Relation.OTHER))
        if relation is Relation.OTHER:
            yield self._report(event, "pidfd_getfd", "pidfd_getfd", number)

    def _report(self, event: Open | Door, way: str, what: str, number: int) -> Finding:
        name = self.context.peers.name(number)
        result = outcome(event.result)
        return self.finding(
            key=f"{way}:{name}",
            title=f"{self.context.processes.label(event.pid)} reaches into "
            f"{self.context.peers.describe(number)} by {way}{result}",
            evidence=(
                Evidence(
                    ts=event.ts, text=f"{what} aimed at {number} ({name}){result}", pid=event.pid
                ),
            ),
            where=name,
            pid=event.pid,
            count=event.count,
        )
