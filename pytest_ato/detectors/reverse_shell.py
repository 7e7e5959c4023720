"""reverse_shell: somebody at the other end of a network connection types, and a shell obeys.

Owns what that looks like at exec: a shell whose standard streams are an internet socket, or a
program that a shell runs with its output on a connection which the shell itself opened
(``/dev/tcp``). A shell on a pipe or a unix socket is how programs use shells every day.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from errno import EINPROGRESS
from typing import ClassVar, Final, TypeVar

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.paths import text
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.programs import (
    base_name,
    command_line,
    reads_program_from_stdin,
    shell_name,
)
from pytest_ato.model.events import Connect, Exec, SocketState
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event

_INTERNET: Final = frozenset({"tcp", "udp"})
_DNS_PORT: Final = 53
_MAX_KNOWN: Final = 65536
_STREAMS: Final = ("stdin", "stdout", "stderr")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Connection:
    where: str
    by_shell: bool


class ReverseShell(Detector):
    """Finds shells on a network connection.

    Silent on programs that are no shells (what `nc`, ssh or rsync run), on a shell script that
    only reads from the connection it opened or only writes to it, and on a shell that a declared
    service runs for a connection which it accepted.
    """

    definition: ClassVar[Definition] = Definition(
        rule="ATO-EXE-023",
        name="reverse_shell",
        category=Category.EXECUTION,
        severity=Severity.CRITICAL,
        title="A shell takes its orders from a network connection",
        technique="T1059.004",
        wants=(Connect, SocketState, Exec),
        fires="a shell runs with a TCP or UDP socket as its standard streams, or a shell talks "
        "to a socket through pipes",
        silent="a shell under a unix socket, a shell whose streams are files, pipes or closed, one "
        "that a declared service (`service: true`, `--ato-service`) runs for a connection that it "
        "accepted",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._connections: OrderedDict[int, _Connection] = OrderedDict()
        """Last connection that a process opened, by its serial."""
        self._listeners: OrderedDict[int, None] = OrderedDict()

    def process(self, event: Event) -> Iterable[Finding]:
        """Report an execution as soon as it is seen."""
        match event:
            case Connect(family="inet" | "inet6") if event.port != _DNS_PORT:
                self._connected(event)
            case SocketState(new="LISTEN"):
                _put(self._listeners, self.context.processes.actor(event.pid).serial, None)
            case Exec() if not _INTERNET.isdisjoint(event.stdio):
                return self._executed(event)
        return ()

    def _connected(self, event: Connect) -> None:
        process = self.context.processes.actor(event.pid)
        where = self.context.names.describe(event.address, event.port)
        connection = _Connection(where, bool(shell_name(process.file, process.argv)))
        failed = event.result is not None and event.result not in (0, -EINPROGRESS)
        if not failed:
            _put(self._connections, process.serial, connection)
        elif self._connections.get(process.serial) == connection:
            # The kernel's hook had named it before it was refused.
            del self._connections[process.serial]

    def _executed(self, event: Exec) -> Iterable[Finding]:
        process = self.context.processes.actor(event.pid)
        connection = self._connection(process)
        shell = shell_name(event.file, event.argv)
        if not shell and event.stdio[0] in _INTERNET:
            obeys = reads_program_from_stdin(event.file, event.argv)
            shell = base_name(event.file) if obeys else ""
        if shell and not self._is_declared_server(process):
            where = connection.where if connection else ""
            return (self._report(event, f"the shell {show(shell, 40)}", shell, where),)
        if connection and connection.by_shell and _is_conversation(event):
            program = base_name(event.path)
            return (self._report(event, f"a shell's {show(program, 40)}", "", connection.where),)
        return ()

    def _connection(self, process: ProcessState) -> _Connection | None:
        """What the process or the nearest one that it came from connected to."""
        for state in (process, *reversed(process.ancestors)):
            connection = self._connections.get(state.serial)
            if connection:
                return connection
        return None

    def _is_declared_server(self, process: ProcessState) -> bool:
        """Whether it serves a connection that was accepted, in an audit of a declared service."""
        spec, declared = self.context.spec, self.context.terms.policy.declared
        is_service = (spec and spec.service) or (declared and declared.service)
        if not is_service or self._connection(process):
            return False
        serials = {process.serial, *(state.serial for state in process.ancestors)}
        return not serials.isdisjoint(self._listeners)

    def _report(self, event: Exec, what: str, shell: str, where: str) -> Finding:
        destination = where or "a network connection"
        streams = [
            f"{name} is {kind}"
            for name, kind in zip(_STREAMS, event.stdio, strict=True)
            if kind in _INTERNET
        ]
        command = command_line(event.argv)
        by = self.context.processes.label(event.pid)
        return self.finding(
            key=f"{show(shell, 40) or 'dev_tcp'}:{where or 'unknown'}",
            title=f"{by}: {what} runs on {destination}",
            evidence=(
                Evidence(
                    ts=event.ts,
                    text=f"{show(text(event.file))} ({command}): {', '.join(streams)}",
                    pid=event.pid,
                ),
            ),
            where=where,
            pid=event.pid,
        )


def _is_conversation(event: Exec) -> bool:
    """Whether a program answers whoever is at the other end, errors included.

    A script that fetches something over ``/dev/tcp`` has ``cat`` read from the connection, or
    write to it; a shell that obeys also sends what its commands complain about.
    """
    into, out, errors = (kind in _INTERNET for kind in event.stdio)
    return out and (into or errors)


def _put(known: OrderedDict[int, _Value], serial: int, value: _Value) -> None:
    known[serial] = value
    if len(known) > _MAX_KNOWN:
        known.popitem(last=False)
