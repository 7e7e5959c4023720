"""tamper_and_evasion: the target looks for who watches it, or removes what tells on it.

Owns which behaviour that is; the places are in `lookouts`. What a process reads about itself
(``/proc/self``, its own cgroup, its own status) is silent, and so are tools of the system's whose
work it is to list processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from pytest_ato.detectors.builders import is_packager
from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import RUN, Definition, Detector
from pytest_ato.detectors.lookouts import (
    PLACES,
    fingerprint,
    lists_hardware,
    lists_processes,
    log_kind,
    tracer_place,
)
from pytest_ato.detectors.outcome import NO_SUCH_PROCESS, REFUSED, outcome
from pytest_ato.detectors.paths import destination, opens_for_writing, resolved, stable_path, text
from pytest_ato.detectors.peers import Relation
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.procfs import proc_entry
from pytest_ato.model.events import Door, FileEvent, Link, Open, Rename, Truncate, Unlink
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event

MEASUREMENTS: Final = 10_000
"""Times in a row that a file which is not there is asked for, and nobody waits so for it."""
_O_TRUNC: Final = 0o1000
_O_APPEND: Final = 0o2000
_O_DIRECTORY: Final = 0o200000
_WHO: Final = frozenset({"comm", "cmdline", "status", "stat", "exe", "cgroup", "environ"})
_WHAT: Final = frozenset({"maps", "smaps", "stack", "syscall", "wchan", "pagemap", "fdinfo"})
_MAX_KNOWN: Final = 4096


class TamperAndEvasion(Detector):
    """Finds a search for the tracer, self-deletion, wiped logs, fingerprinting and timing."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-EVA-029",
        name="tamper_and_evasion",
        category=Category.EVASION,
        severity=Severity.HIGH,
        title="The target looks for who watches it, or covers its tracks",
        technique="T1497",
        wants=(Open, Unlink, Truncate, Link, Rename, Door),
        places=PLACES,
        thresholds={"fingerprints": 3},
        fires="the tracer is looked for, attached to or killed; the target deletes itself, "
        "wipes logs or history; at least `fingerprints` kinds of facts that give a "
        "sandbox away are read",
        silent="a runtime that reads its own cgroup and the processor, a program that tidies up "
        "its own files, tools that list hardware",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._listed: set[int] = set()
        """Processes (serials) that listed /proc."""
        self._fingerprints: dict[str, tuple[Evidence, ProcessState]] = {}
        self._asked: dict[str, tuple[Open, int]] = {}
        """Files that were not there, by path: the first run of opens, and how many in all."""
        self._deleted: dict[str, Finding] = {}
        """Programs that removed themselves, by path, unless put back."""

    def process(self, event: Event) -> Iterable[Finding]:
        """Report what is certain at once."""
        match event:
            case Open():
                yield from self._open(event)
            case Unlink():
                yield from self._unlink(event)
            case Truncate() | Link():
                path = destination(event) if isinstance(event, Link) else resolved(event)
                yield from self._wiped(event, path)
            case Rename() if event.result >= 0:
                self._deleted.pop(destination(event), None)
            case Door(name="ptrace", detail="PTRACE_TRACEME"):
                # A debugger's forked child asks, too: to become the program to be debugged.
                if not _is_bare_fork(self.context.processes.actor(event.pid)):
                    what = "asks whether it is traced already (PTRACE_TRACEME)"
                    yield self._report(event, "traced", what, Severity.MEDIUM)

    def finish(self) -> Iterable[Finding]:
        """Report what only the whole shows."""
        yield from self._deleted.values()
        yield from self._measured()
        if len(self._fingerprints) >= max(1, self.threshold("fingerprints")):
            kinds = sorted(self._fingerprints)
            _, process = next(iter(self._fingerprints.values()))
            yield self.finding(
                key="fingerprint",
                title=f"{process.label} reads what gives a sandbox away: {', '.join(kinds)}",
                evidence=[proof for proof, _ in self._fingerprints.values()],
                process=process,
            )

    def _measured(self) -> Iterable[Finding]:
        for path, (event, count) in self._asked.items():
            if count >= MEASUREMENTS:
                stable = stable_path(path, self.context.home)
                yield self._report(
                    event,
                    f"measure:{stable}",
                    f"asks {count:,} times on end for {stable}, to measure time or to make noise",
                    Severity.LOW,
                    where=path,
                )

    def _open(self, event: Open) -> Iterable[Finding]:
        path = resolved(event)
        if event.count >= RUN and event.result < 0:
            first, count = self._asked.get(path, (event, 0))
            if path in self._asked or len(self._asked) < _MAX_KNOWN:
                self._asked[path] = first, count + event.count
        process = self.context.processes.actor(event.pid)
        if path == "/proc":
            if len(self._listed) < _MAX_KNOWN:
                self._listed.add(process.serial)
            return
        writes = opens_for_writing(event)
        if tracer_place(path, writes):
            stable = stable_path(path)
            yield self._report(
                event, f"tracer:{stable}", f"looks for a tracer in {stable}", where=path
            )
            return
        kind = fingerprint(path)
        if kind and not lists_hardware(process) and not lists_processes(process):
            proof = Evidence(
                ts=event.ts, text=f"{kind}: {event.call} of {show(path)}", pid=event.pid
            )
            self._fingerprints.setdefault(kind, (proof, process))
        if writes and event.flags & (_O_TRUNC | _O_APPEND) != _O_APPEND:
            yield from self._wiped(event, path)
        yield from self._looked_at(event, process)

    def _looked_at(self, event: Open, process: ProcessState) -> Iterable[Finding]:
        entry = proc_entry(event)
        is_walk = event.flags & _O_DIRECTORY  # find and du open directories, and read no file
        if entry is None or is_walk or event.result in NO_SUCH_PROCESS:
            return
        name = entry.name.split("/", 1)[0]
        line = {process.serial, *(state.serial for state in process.ancestors)}
        scans = name in _WHO and not line.isdisjoint(self._listed)
        if not (scans or name in _WHAT):
            return
        if self.context.peers.relation(event.pid, entry.number) is not Relation.OTHER:
            return
        is_tool = lists_processes(process)
        what = "lists the processes" if is_tool else "looks through other processes"
        yield self._report(
            event,
            f"{'list' if is_tool else 'scan'}:processes",
            f"{what} (/proc/PID/{name})",
            Severity.INFO if is_tool else Severity.MEDIUM,
        )

    def _unlink(self, event: Unlink) -> Iterable[Finding]:
        path = resolved(event)
        yield from self._wiped(event, path)
        if event.result < 0 and event.result not in REFUSED:
            return
        process = self.context.processes.actor(event.pid)
        if not any(_runs(state, path) for state in (*process.ancestors, process)):
            return
        if not is_packager(process) and len(self._deleted) < _MAX_KNOWN:
            severity = Severity.MEDIUM if event.result < 0 else Severity.HIGH
            stable = stable_path(path, self.context.home)
            self._deleted[path] = self._report(
                event,
                f"self_delete:{stable}",
                f"removes its own program {stable}",
                severity,
                where=path,
            )

    def _wiped(self, event: FileEvent, path: str) -> Iterable[Finding]:
        kind = log_kind(path, self.context.home)
        if not kind or (
            kind == "shell history" and isinstance(event, Open) and not event.flags & _O_TRUNC
        ):
            return
        stable = stable_path(path, self.context.home)
        severity = Severity.MEDIUM if event.result < 0 else Severity.HIGH
        what = f"wipes the {kind} {stable}"
        yield self._report(event, f"wipe:{stable}", what, severity, where=path)

    def _report(
        self,
        event: FileEvent | Door,
        key: str,
        what: str,
        severity: Severity | None = None,
        *,
        where: str = "",
    ) -> Finding:
        result = outcome(event.result)
        proof = event.detail if isinstance(event, Door) else f"{event.call} of {resolved(event)}"
        return self.finding(
            key=key,
            title=f"{self.context.processes.label(event.pid)} {what}{result}",
            severity=severity,
            evidence=(Evidence(ts=event.ts, text=f"{show(proof)}{result}", pid=event.pid),),
            where=where,
            pid=event.pid,
            count=event.count,
        )


def _is_bare_fork(process: ProcessState) -> bool:
    """Whether it still runs the image of the process that made it."""
    return bool(process.ancestors) and process.ancestors[-1].image == process.image


def _runs(state: ProcessState, path: str) -> bool:
    """Whether `path` is the program, or the script, of a process."""
    given = text(state.path)
    if path in (text(state.file), given):
        return True
    relative = given.removeprefix("./")
    return bool(given) and not given.startswith("/") and path.endswith(f"/{relative}")
