"""honeytoken_exfil: a minted value left the target, or a thief of one sent something unreadable.

Owns the wording, and the weaker rules: for what no decoder opens, a line of processes that stole a
honeytoken file and later sent at least as many bytes; for what a bound of ours left unsearched,
that it was. Where values were seen is in `sightings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.found import Sighting, Unsearched
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.names import parent_domain, printable_name
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.reads import Read
from pytest_ato.detectors.traffic import Stream
from pytest_ato.model.events import Datagram, Dns, Honeytoken, Tcp
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import raw
from pytest_ato.model.record import Event

_READERS: Final = 3
"""Processes that read a value and are named beside the one that sent it."""
MAX_SENDERS: Final = 1024
"""Pairs of process and destination whose bytes are counted."""


class HoneytokenExfil(Detector):
    """One finding for each honeytoken and destination; one for each destination of a thief."""

    definition = Definition(
        rule="ATO-EXF-001",
        name="honeytoken_exfil",
        category=Category.EXFIL,
        severity=Severity.CRITICAL,
        title="a planted value leaves the target",
        technique="T1041",
        wants=(Tcp, Stream, Datagram, Dns),
        needs=frozenset({"sinkhole", "open"}),
        fires="a planted value leaves by TCP, UDP, ICMP, DNS, in a URL, a header or a body, in "
        "any of the matcher's encodings and up to three layers of them (critical); or a "
        "line of processes reads a planted file and then sends at least as many bytes in "
        "a form that cannot be read (medium); or a limit left something unsearched (low)",
        silent="the value is written to a local file or to the target's own output",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sent: dict[tuple[int, str], _Sent] = {}
        self._pieces: dict[int, int] = {}
        self._asked: set[tuple[int, bytes]] = set()

    def process(self, event: Event) -> Iterable[Finding]:
        """Count what leaves once a honeytoken file was read."""
        if self.context.reads.any:
            match event:
                case Tcp(direction="out"):
                    self._tcp(event)
                case Stream(copy=""):
                    self._count(event.ts, event.process, event.destination, len(event.data))
                case Datagram():
                    where = self.context.names.describe(event.address, event.port)
                    self._count(event.ts, self._owner(event), where, event.size)
                case Dns():
                    self._dns(event)
        return ()

    def finish(self) -> Iterable[Finding]:
        """Tell the sightings on the wire, then what may have gone out unseen."""
        outside = [found for found in self.context.sightings.all if found.channel != "output"]
        declared = self.context.declarations
        reads = self.context.reads.rated(self.context.sightings.carriers)
        for sighting in outside:
            if not declared.may_present(sighting.token, sighting.destination):
                yield self._seen(sighting, reads)
        granted = declared.granted(outside)
        self._count_opaque()
        thieves = _Thieves(reads)
        told = {sighting.destination for sighting in outside}
        unseen: set[str] = set()
        for sent in self._sent.values():
            read = thieves.related(sent.process)
            if not read or sent.destination in told or not _could_hold(sent, read):
                continue
            if not (read.token.name in granted and declared.destination(sent.destination)):
                unseen.add(sent.destination)
                yield self._unseen(sent, read)
        for left in self.context.sightings.unsearched:
            if left.destination not in told | unseen:
                yield self._unsearched(left)

    def _seen(self, sighting: Sighting, reads: Iterable[Read]) -> Finding:
        process = sighting.process
        by = f" by {process.label}" if process else ""
        found = self.finding(
            key=f"{sighting.token}:{sighting.destination}",
            title=f"{sighting.token} sent to {sighting.destination}{by} "
            f"as {', '.join(sighting.ways)}",
            evidence=(*self._way(sighting, reads), *sighting.evidence),
            where=sighting.destination,
            process=process,
            count=sighting.count,
        )
        return replace(found, ts=sighting.evidence[0].ts)

    def _way(self, sighting: Sighting, reads: Iterable[Read]) -> Iterator[Evidence]:
        """Where the value was before it was sent: planted, and read by whom."""
        token = self.context.tokens.carriers.get(sighting.token)
        if token is None:
            return
        planted = self.context.tokens.planted_at(token)
        if token.variable:
            text = f"planted: {token.name} in the target's environment as {token.variable}"
            yield Evidence(ts=planted, text=text)
            root = self.context.processes.root
            if root is not None:
                start = self.context.start
                text = f"read: {root.label} had it from its start"
                yield Evidence(ts=start.ts if start else planted, text=text, pid=root.pid)
            return
        yield Evidence(ts=planted, text=f"planted: {token.name} as ~/{token.path}")
        own = [read for read in reads if read.token.name == token.name]
        for read in own[:_READERS]:
            yield Evidence(ts=read.ts, text=f"read: {read.text}", pid=read.process.pid)

    def _unseen(self, sent: _Sent, read: Read) -> Finding:
        thief = read.process
        sending = f"{sent.process.label} then sent {sent.size} bytes to {sent.destination}"
        return self.finding(
            key=f"unseen:{sent.destination}",
            title=f"{read.token.name} may have been sent to {sent.destination} in a form that "
            f"cannot be read, by {sent.process.label}",
            severity=Severity.MEDIUM,
            evidence=[
                Evidence(ts=read.ts, text=read.text, pid=thief.pid),
                Evidence(ts=sent.ts, text=sending, pid=sent.process.pid),
            ],
            where=sent.destination,
            process=sent.process,
        )

    def _unsearched(self, left: Unsearched) -> Finding:
        by, pid = (f" by {left.process.label}", left.process.pid) if left.process else ("", 0)
        what = f"what was sent to {left.destination}{by} was not searched to its end"
        return self.finding(
            key=f"unsearched:{left.destination}",
            title=f"{what}: {left.why}",
            severity=Severity.LOW,
            evidence=[Evidence(ts=left.ts, text=left.why, pid=pid)],
            where=left.destination,
            process=left.process,
        )

    def _tcp(self, event: Tcp) -> None:
        """Count what is no TLS; of that, handshakes and tags could hold nothing, and plaintext
        comes as `Stream`, or is in the ledger."""
        if self.context.connections.is_tls(event.connection):
            self._pieces.pop(event.connection, None)
            return
        size = len(raw(event.data))
        if event.closed:
            # The pieces hold the first part of a long connection; the rest is only counted.
            held = self._pieces.pop(event.connection, None)
            size += max(0, event.sent - held - size) if held is not None else 0
        elif len(self._pieces) < MAX_SENDERS or event.connection in self._pieces:
            self._pieces[event.connection] = event.offset + size
        where = self.context.names.describe(event.address, event.port)
        self._count(event.ts, self._owner(event), where, size)

    def _count_opaque(self) -> None:
        """What went inside TLS and nobody saw may be as late as its connection's last record."""
        for destination, entries in self.context.connections.ledger.opaque.items():
            for entry in entries:
                self._count(entry.latest, entry.process, destination, entry.opaque_out)

    def _dns(self, event: Dns) -> None:
        process = self.context.sockets.owner(event.client_port, event.server, 53)
        qname = raw(event.qname).lower()
        if process is None or (process.serial, qname) in self._asked:
            return
        if len(self._asked) < MAX_SENDERS:
            self._asked.add((process.serial, qname))
        parent = parent_domain(printable_name(event.qname))
        self._count(event.ts, process, parent, len(qname) - len(parent))

    def _owner(self, event: Tcp | Datagram) -> ProcessState | None:
        return self.context.sockets.owner(event.client_port, event.address, event.port)

    def _count(self, ts: int, process: ProcessState | None, where: str, size: int) -> None:
        if process is None or size <= 0:
            return
        sent = self._sent.get((process.serial, where))
        if sent is None and len(self._sent) < MAX_SENDERS:
            sent = self._sent[process.serial, where] = _Sent(process, where)
        if sent is not None:
            sent.ts, sent.size = max(sent.ts, ts), sent.size + size


@dataclass(slots=True)
class _Sent:
    """What one process sent to one destination after a honeytoken file was read."""

    process: ProcessState
    destination: str
    ts: int = 0
    """Time of the last piece."""
    size: int = 0


class _Thieves:
    """Reads that stand as theft, found by who could have passed the value on."""

    def __init__(self, reads: Iterable[Read]) -> None:
        self._by: dict[int, Read] = {}
        self._below: dict[int, Read] = {}
        self._image: dict[int, Read] = {}
        self._siblings: dict[int, Read] = {}
        for read in reads:
            if read.rating is not Severity.HIGH:
                continue
            process = read.process
            self._by.setdefault(process.serial, read)
            self._image.setdefault(process.image, read)
            for state in process.ancestors:
                self._below.setdefault(state.serial, read)
            if (parent := _parent(process)) is not None:
                self._siblings.setdefault(parent, read)

    def related(self, process: ProcessState) -> Read | None:
        """The first theft by `process`, above or below it, by its own image, or (in a pipe) by a
        child of the same parent."""
        lines = [self._by.get(state.serial) for state in (*process.ancestors, process)]
        lines += [self._below.get(process.serial), self._image.get(process.image)]
        parent = _parent(process)
        lines.append(self._siblings.get(parent) if parent is not None else None)
        return min((read for read in lines if read), key=lambda read: read.ts, default=None)


def _parent(process: ProcessState) -> int | None:
    """Serial of the process that forked it."""
    others = (s.serial for s in reversed(process.ancestors) if s.serial != process.serial)
    return next(others, None)


def _could_hold(sent: _Sent, read: Read) -> bool:
    return sent.ts > read.ts and sent.size >= _length(read.token)


def _length(token: Honeytoken) -> int:
    """Bytes of the shortest value of a carrier: what a thief has to send at least."""
    return min((len(value.encode()) for value in token.markers.values()), default=1)
