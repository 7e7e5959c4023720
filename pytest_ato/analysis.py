"""The fold of an event log into the facts that a verdict and a report rest on.

Owns what is counted, and the bounds of the counting. It observes only: whether the facts suffice
for a verdict is `policy`'s question, how they are masked and shown is `evidence`'s and `reports`'.
No I/O, no clock: the same events give the same facts, live and in replay, and any sequence of
records (cut, repeated, out of order) gives facts rather than an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pytest_ato.distinct import Counted, Distinct
from pytest_ato.model.events import (
    FORMAT,
    Audit,
    Connect,
    Datagram,
    Dns,
    End,
    Exec,
    Exit,
    Fork,
    Honeytoken,
    Link,
    Lost,
    Open,
    Output,
    Planted,
    Rename,
    Send,
    Start,
    Tcp,
    Timing,
    Truncate,
    Unavailable,
)
from pytest_ato.model.findings import Finding
from pytest_ato.model.octets import Octets, raw
from pytest_ato.model.record import Event

LOST_REASONS: Final = 32
"""Different reasons of loss that are kept apart; further ones are only counted."""

OPEN_CONNECTIONS: Final = 65_536
"""Connections without an end whose bytes are kept apart; further ones count once they end."""

# Linux, x86-64: what the flags of open say.
_O_ACCMODE: Final = 0o3
_O_WRONLY: Final = 0o1
_O_RDWR: Final = 0o2
_NO_CONTENT: Final = 0o200000 | 0o10000000  # O_DIRECTORY | O_PATH: names, no bytes
"""Flags of an open that reaches no file's content."""

_INTERNET: Final = frozenset({"inet", "inet6"})
_NOT_OBSERVED: Final = frozenset(
    {Audit, Honeytoken, Unavailable, Start, Planted, Lost, Timing, End, Finding}
)
_MAY_FOLLOW_END: Final = frozenset({Timing, Finding})

Destination = tuple[str, int | str]
"""Address, and port; the protocol's name where it has no ports."""


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
    output_bytes: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that an audit's log says about the run itself; None: the log does not say it."""

    audit: Audit | None
    start: Start | None
    end: End | None
    executed: bool
    """A program ran in the sandbox after it was started."""
    honeytokens: tuple[Honeytoken, ...]
    lost: tuple[tuple[str, str, int], ...]
    """Source, reason and count of each loss."""
    disorder: tuple[str, ...]
    """Sentences: in what the log is not as capture writes it."""
    analysis_ms: float
    activity: Activity


class Analysis:
    """Feed it every record of one audit in the order of the log, then take `facts`."""

    def __init__(self) -> None:
        self._audit: Audit | None = None
        self._start: Start | None = None
        self._end: End | None = None
        self._executed = False
        self._honeytokens: list[Honeytoken] = []
        self._lost: dict[tuple[str, str], int] = {}
        self._disorder: dict[str, None] = {}  # an ordered set
        self._analysis_ms = 0.0
        self._events = 0
        self._after_end = 0
        self._processes = 0
        self._alive: set[int] = set()  # as many as the kernel has pids
        self._programs: Distinct[Octets] = Distinct()
        self._read: Distinct[Octets] = Distinct()
        self._written: Distinct[Octets] = Distinct()
        self._names: Distinct[Octets] = Distinct()
        self._destinations: Distinct[Destination] = Distinct()
        self._name_of: dict[str, Octets] = {}
        self._closed_out = 0
        self._closed_in = 0
        self._datagram_out = 0
        self._streams: dict[tuple[int, str], int] = {}
        self._output: dict[str, int] = {}
        # Each takes the one class it stands for, which a dict's type cannot say.
        self._handlers: dict[type[Event], Callable[..., None]] = {
            Audit: self._on_audit,
            Honeytoken: self._honeytokens.append,
            Unavailable: self._on_unavailable,
            Start: self._on_start,
            Lost: self._on_lost,
            Timing: self._on_timing,
            End: self._on_end,
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
            Output: self._on_output,
        }

    def feed(self, event: Event) -> None:
        """Take the next record."""
        kind = type(event)
        if kind not in _NOT_OBSERVED:
            self._events += 1
        if self._end is not None and kind not in _MAY_FOLLOW_END:
            self._after_end += 1
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(event)

    def damaged(self, sentence: str) -> None:
        """Note that the log is not whole in a way that only its reader saw (a broken line)."""
        self._disorder[sentence] = None

    def facts(self) -> Facts:
        """Return what is known after the records fed so far."""
        disorder = list(self._disorder)
        if self._after_end:
            disorder.append(f"{_records(self._after_end)} after the end record")
        return Facts(
            audit=self._audit,
            start=self._start,
            end=self._end,
            executed=self._executed,
            honeytokens=tuple(self._honeytokens),
            lost=tuple((*key, count) for key, count in self._lost.items()),
            disorder=tuple(disorder),
            analysis_ms=self._analysis_ms,
            activity=self._activity(),
        )

    def _activity(self) -> Activity:
        unclosed = {"out": 0, "in": 0}
        for (_, direction), size in self._streams.items():
            unclosed[direction] += size
        return Activity(
            events=self._events,
            processes=self._processes,
            programs=self._programs.counted(),
            read=self._read.counted(),
            written=self._written.counted(),
            names=self._names.counted(),
            destinations=self._destinations.counted(),
            name_of=self._name_of,
            bytes_out=self._closed_out + self._datagram_out + unclosed["out"],
            bytes_in=self._closed_in + unclosed["in"],
            output_bytes=dict(self._end.output_bytes if self._end else self._output),
        )

    # --- the audit's own records ---

    def _on_audit(self, event: Audit) -> None:
        if self._audit is not None:
            self.damaged("a second audit record")
            return
        if self._start or self._end or self._events:
            self.damaged("the audit record is not the first")
        if event.format > FORMAT:
            self.damaged(f"it is of format {event.format}, and this version reads up to {FORMAT}")
        self._audit = event

    def _on_unavailable(self, event: Unavailable) -> None:
        self.damaged(f"it says that nothing was captured: {event.reason}")

    def _on_start(self, event: Start) -> None:
        if self._start is not None:
            self.damaged("a second start record")
            return
        self._start = event

    def _on_end(self, event: End) -> None:
        if self._end is not None:
            self.damaged("a second end record")
            return
        self._end = event

    def _on_lost(self, event: Lost) -> None:
        key = (event.source, event.reason)
        if key not in self._lost and len(self._lost) >= LOST_REASONS:
            key = ("capture", "further losses, of other kinds")
        self._lost[key] = self._lost.get(key, 0) + event.count

    def _on_timing(self, event: Timing) -> None:
        self._analysis_ms = event.analysis_ms

    # --- processes ---

    def _on_fork(self, event: Fork) -> None:
        if event.child not in self._alive:
            self._alive.add(event.child)
            self._processes += 1

    def _on_exec(self, event: Exec) -> None:
        if self._start is not None:
            if event.pid == self._start.init:
                return
            self._executed = True
        if event.pid not in self._alive:
            self._alive.add(event.pid)
            self._processes += 1
        self._programs.add(event.path)

    def _on_exit(self, event: Exit) -> None:
        self._alive.discard(event.pid)

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
            self._written.add(path)

    def _on_new_name(self, event: Rename | Link) -> None:
        if event.result >= 0:
            self._written.add(event.to if event.to_file is None else event.to_file)

    def _on_truncate(self, event: Truncate) -> None:
        if event.result >= 0:
            self._written.add(event.path if event.file is None else event.file)

    # --- network ---

    def _on_connect(self, event: Connect | Send) -> None:
        if event.family in _INTERNET:
            self._destination(event.address, event.port, event.protocol)

    def _on_dns(self, event: Dns) -> None:
        name = event.qname.lower() if isinstance(event.qname, str) else event.qname
        self._names.add(name)
        if len(self._name_of) < Distinct.COUNTED:
            for address in event.answers:
                self._name_of.setdefault(address, name)

    def _on_tcp(self, event: Tcp) -> None:
        self._destination(event.address, event.port, "tcp")
        if event.closed:
            self._closed_out += event.sent
            self._closed_in += event.received
            self._streams.pop((event.connection, "out"), None)
            self._streams.pop((event.connection, "in"), None)
            return
        key = (event.connection, event.direction)
        if key in self._streams or len(self._streams) < 2 * OPEN_CONNECTIONS:
            end = event.offset + len(raw(event.data))
            self._streams[key] = max(end, self._streams.get(key, 0))

    def _on_datagram(self, event: Datagram) -> None:
        self._datagram_out += event.size
        self._destination(event.address, event.port, event.protocol)

    def _destination(self, address: str, port: int, protocol: str) -> None:
        # A UDP or TCP connect to port 0 sends nothing: libc sorts addresses by it.
        part = port or (protocol if protocol not in ("tcp", "udp") else "")
        if not part or (address, part) in self._destinations or _is_local(address):
            return
        start = self._start
        if start is not None and (
            address in start.addresses or (port == 53 and address in start.resolvers)
        ):
            return
        self._destinations.add((address, part))

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


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"
