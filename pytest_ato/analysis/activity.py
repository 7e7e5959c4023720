"""What the target did, folded from the events of its audit.

Owns what counts as a process, a file read or written, a destination, a byte sent, and the bounds of
that counting. Judges nothing and shows nothing; values stay as they were observed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from pytest_ato.analysis.distinct import Counted, Distinct
from pytest_ato.analysis.traffic import Peer, Traffic
from pytest_ato.analysis.tree import Node, Tree
from pytest_ato.detectors.attribution import Attribution, Sum
from pytest_ato.model.events import (
    Bind,
    Connect,
    Datagram,
    Dns,
    End,
    Exec,
    Exit,
    FileEvent,
    Flow,
    Fork,
    Link,
    Open,
    Output,
    Rename,
    Send,
    SocketState,
    Start,
    Tcp,
    Truncate,
)
from pytest_ato.model.octets import Octets, raw
from pytest_ato.model.record import Event

# Linux, x86-64: what the flags of open say.
_O_ACCMODE: Final = 0o3
_O_WRONLY: Final = 0o1
_O_RDWR: Final = 0o2
_NO_CONTENT: Final = 0o200000 | 0o10000000  # O_DIRECTORY | O_PATH: names, no bytes
"""Flags of an open that reaches no file's content."""

MOST_ALIVE: Final = 1 << 17
"""Processes that live at once and are told apart; no limit on tasks comes near it."""
_INTERNET: Final = frozenset({"inet", "inet6"})

Destination = tuple[str, int | str]
"""Address, and port; the protocol's name where it has no ports."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The first time of something, of the things that the lists hold."""

    ts: int
    kind: Literal["file", "name"]
    value: Octets
    node: int = 0
    """Number of the actor in the tree; 0: not known."""


@dataclass(frozen=True, slots=True)
class Wire:
    """Sums over the flows that the wire saw, by whose they were."""

    sockets: Sum
    kernel: Sum
    nobody: Sum
    """Of no socket that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What the target did, counted; the lists hold the first of their kind, as observed."""

    events: int
    processes: int
    programs: Counted[Octets]
    read: Counted[Octets]
    written: Counted[Octets]
    names: Counted[Octets]
    destinations: Counted[Destination]
    name_of: dict[str, Octets]
    """Address to the DNS name it was the answer to."""
    bytes_out: int
    bytes_in: int
    wire: Wire
    output_bytes: dict[str, int]
    nodes: tuple[Node, ...]
    """The first programs that ran, with the process that ran each."""
    peers: tuple[Peer, ...]
    """The first destinations, with what went there."""
    marks: tuple[Mark, ...]
    """When what the lists hold came first."""


class ActivityFold:
    """Counts what the target did: call the handler of each event's class, then `activity`."""

    def __init__(self) -> None:
        self.executed = False
        """A program ran in the sandbox after it was started."""
        self._start: Start | None = None
        self._processes = 0
        self._alive: set[int] = set()
        self._programs: Distinct[Octets] = Distinct()
        self._read: Distinct[Octets] = Distinct()
        self._written: Distinct[Octets] = Distinct()
        self._names: Distinct[Octets] = Distinct()
        self._destinations: Distinct[Destination] = Distinct()
        self._name_of: dict[str, Octets] = {}
        self._attribution = Attribution()
        self._tree = Tree()
        self._traffic = Traffic()
        self._marks: list[Mark] = []
        self._output: dict[str, int] = {}

    def handlers(self) -> dict[type[Event], Callable[..., None]]:
        """Return what takes an event, by the event's class."""
        return {
            Fork: self._on_fork,
            Exec: self._on_exec,
            Exit: self._on_exit,
            Open: self._on_open,
            Rename: self._on_new_name,
            Link: self._on_new_name,
            Truncate: self._on_truncate,
            Connect: self._on_connect,
            Send: self._on_connect,
            Dns: self._on_dns,
            Tcp: self._on_tcp,
            Datagram: self._on_datagram,
            Flow: self._attribution.update,
            SocketState: self._attribution.update,
            Bind: self._attribution.update,
            Output: self._on_output,
        }

    def begin(self, start: Start) -> None:
        """Learn which process and which addresses are the sandbox's own."""
        self._start = start
        self._tree.begin(start.init)

    def activity(self, events: int, end: End | None) -> Activity:
        """Return what is known so far, after `events` events."""
        return Activity(
            events=events,
            processes=self._processes,
            programs=self._programs.counted(),
            read=self._read.counted(),
            written=self._written.counted(),
            names=self._names.counted(),
            destinations=self._destinations.counted(),
            name_of=dict(self._name_of),
            bytes_out=self._traffic.bytes_out,
            bytes_in=self._traffic.bytes_in,
            wire=Wire(**self._attribution.sums()),
            output_bytes=dict(end.output_bytes if end else self._output),
            nodes=self._tree.nodes,
            peers=self._traffic.peers,
            marks=tuple(self._marks),
        )

    # --- processes ---

    def _on_fork(self, event: Fork) -> None:
        self._tree.fork(event)
        self._lives(event.child)

    def _on_exec(self, event: Exec) -> None:
        if self._start is not None:
            if event.pid == self._start.init:
                return
            self.executed = True
        self._lives(event.pid)
        self._programs.add(event.path)
        self._tree.exec(event)

    def _lives(self, pid: int) -> None:
        if pid not in self._alive:
            self._processes += 1
            if len(self._alive) < MOST_ALIVE:
                self._alive.add(pid)

    def _on_exit(self, event: Exit) -> None:
        self._alive.discard(event.pid)
        self._tree.exit(event)

    # --- files ---

    def _on_open(self, event: Open) -> None:
        flags = event.flags
        if event.result < 0 or flags & _NO_CONTENT:
            return
        path = event.path if event.file is None else event.file
        access = flags & _O_ACCMODE
        if access != _O_WRONLY:
            self._read.add(path)
        if access in (_O_WRONLY, _O_RDWR) and not _is_device(path):
            self._write(event, path)

    def _on_new_name(self, event: Rename | Link) -> None:
        if event.result >= 0:
            self._write(event, event.to if event.to_file is None else event.to_file)

    def _on_truncate(self, event: Truncate) -> None:
        if event.result >= 0:
            self._write(event, event.path if event.file is None else event.file)

    def _write(self, event: FileEvent, path: Octets) -> None:
        if self._written.add(path):
            self._marks.append(Mark(event.ts, "file", path, self._tree.number(event.pid)))

    # --- network ---

    def _on_connect(self, event: Connect | Send) -> None:
        self._attribution.update(event)
        if event.family not in _INTERNET:
            return
        if self._destination(event.address, event.port, event.protocol):
            key = (event.address, event.port, event.protocol or "tcp")
            tries = int(type(event) is Connect and event.source == "kernel")
            self._traffic.named(key, event.ts, self._tree.number(event.pid), tries)

    def _on_dns(self, event: Dns) -> None:
        name = event.qname.lower() if isinstance(event.qname, str) else event.qname
        if self._names.add(name):
            self._marks.append(Mark(event.ts, "name", name))
        if len(self._name_of) < Distinct.COUNTED:
            for address in event.answers:
                self._name_of.setdefault(address, name)

    def _on_tcp(self, event: Tcp) -> None:
        self._traffic.tcp(event, self._destination(event.address, event.port, "tcp"))

    def _on_datagram(self, event: Datagram) -> None:
        is_outside = self._destination(event.address, event.port, event.protocol)
        self._traffic.datagram(event, is_outside)

    def _destination(self, address: str, port: int, protocol: str) -> bool:
        """Count a destination; returns whether it is one outside of the sandbox."""
        # A UDP or TCP connect to port 0 sends nothing: libc sorts addresses by it.
        part = port or (protocol if protocol not in ("tcp", "udp") else "")
        if not part or _is_local(address):
            return False
        if (address, part) in self._destinations:
            return True
        start = self._start
        if start is not None and (
            address in start.addresses or (port == 53 and address in start.resolvers)
        ):
            return False
        self._destinations.add((address, part))
        return True

    def _on_output(self, event: Output) -> None:
        size = self._output.get(event.stream, 0) + len(raw(event.data))
        self._output[event.stream] = size


def _is_device(path: Octets) -> bool:
    """Whether writes to `path` go to a device (below /dev) and change no file."""
    return (
        isinstance(path, str)
        and path.startswith("/dev/")
        and not path.startswith(("/dev/shm/", "/dev/mqueue/"))  # noqa: S108  (their files are real)
    )


def _is_local(address: str) -> bool:
    return address.startswith("127.") or address in ("::1", "0.0.0.0", "::")  # noqa: S104
