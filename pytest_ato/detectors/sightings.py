"""Where minted values were seen outside their carrier: on the wire and on the standard streams.

Owns the scan of everything that left the target, done once for all detectors. One sighting stands
for one honeytoken at one destination, however often it went there. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

from pytest_ato.detectors.names import Names, parent_domain, printable_name
from pytest_ato.detectors.pieces import Pieces
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.questions import Joined, Questions
from pytest_ato.detectors.sockets import Sockets
from pytest_ato.detectors.tokens import Tokens
from pytest_ato.honeytokens.match import Hit, Stream
from pytest_ato.model.events import Datagram, Dns, Output, Tcp
from pytest_ato.model.findings import Evidence
from pytest_ato.model.octets import raw
from pytest_ato.model.record import Event

MAX_SIGHTINGS: Final = 1000
"""Pairs of honeytoken and destination that are told apart."""
MAX_STREAMS: Final = 128
"""Streams that are searched at once, each with up to a megabyte in memory; above it, the oldest is
closed early."""
MAX_DEEP: Final = 1000
"""DNS names, and packets, that are decoded one by one, at about a millisecond each; all of them are
searched in the simple encodings, and joined."""
MAX_EMPTY: Final = 4096
"""Contents of streams that are known to hold nothing encoded."""
MAX_EVIDENCE: Final = 5
"""Observations that a sighting keeps."""
ELSEWHERE: Final = "other destinations"

Channel: TypeAlias = Literal["tcp", "udp", "icmp", "dns", "ip", "output"]


@dataclass(slots=True)
class Sighting:
    """One honeytoken at one destination."""

    token: str
    """Name of the carrier."""
    destination: str
    """``host:port``, a registrable domain for DNS, or ``stdout`` and ``stderr``; printable and the
    same in every run."""
    channel: Channel
    process: ProcessState | None
    """Who sent it first, as far as known."""
    count: int = 0
    markers: dict[str, None] = field(default_factory=dict)
    encodings: dict[str, None] = field(default_factory=dict)
    """Both as ordered sets."""
    evidence: list[Evidence] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Unsearched:
    """Something that left for one destination and was not searched to its end."""

    ts: int
    destination: str
    process: ProcessState | None
    why: str
    """A fragment, such as "more was sent than is recorded"."""


class Sightings:
    """All sightings of one audit, kept up to date by `update`."""

    def __init__(self, tokens: Tokens, names: Names, sockets: Sockets) -> None:
        self._tokens = tokens
        self._names = names
        self._sockets = sockets
        self._found: dict[tuple[str, Channel, str], Sighting] = {}
        self._streams: dict[int | str, _Open] = {}
        self._questions = Questions()
        self._pieces = Pieces()
        self._unsearched: dict[str, Unsearched] = {}
        self._asked: set[bytes] = set()
        self._empty: set[bytes] = set()
        self._packets = 0
        self.cut_short = 0
        """Streams of which a bound on decoding left something unsearched."""

    @property
    def all(self) -> tuple[Sighting, ...]:
        """In the order in which they were made."""
        return tuple(self._found.values())

    @property
    def unsearched(self) -> tuple[Unsearched, ...]:
        """The first for each destination, of whatever could hold a value that was not seen."""
        return tuple(self._unsearched.values())

    @property
    def carriers(self) -> frozenset[str]:
        """Names of the honeytokens that were seen anywhere."""
        return frozenset(token for token, _, _ in self._found)

    def update(self, event: Event) -> None:
        """Scan a `Tcp`, `Dns`, `Datagram` or `Output` record."""
        match event:
            case Tcp(direction="out"):
                self._tcp(event)
            case Dns():
                self._dns(event)
            case Datagram():
                self._datagram(event)
            case Output():
                source = _Source(event.stream, "output", None)
                data = raw(event.data)
                self._feed(event.stream, source, event.ts, data)

    def finish(self) -> None:
        """After the last event: scan what only the whole shows."""
        for key in tuple(self._streams):
            self._close(key)
        matcher = self._tokens.matcher
        for joined in self._questions.joined():
            self._add_joined(joined, "dns", matcher.scan_name)
        for joined in self._pieces.joined():
            self._add_joined(joined, "tcp", matcher.scan)

    def _add_joined(
        self, joined: Joined, channel: Channel, scan: Callable[[bytes], list[Hit]]
    ) -> None:
        source = _Source(joined.parent, channel, joined.process)
        hits = [hit for text in joined.texts for hit in scan(text)]
        new = [hit for hit in hits if (hit.carrier, channel, joined.parent) not in self._found]
        self._add(new, source, joined.ts)

    def _tcp(self, event: Tcp) -> None:
        known = self._streams.get(event.connection)
        if known is None and not event.data:
            return
        source = known.source if known else self._source("tcp", event)
        data = raw(event.data)
        known = self._feed(event.connection, source, event.ts, data)
        self._pieces.add(event.connection, source.destination, data, event.ts, source.process)
        if event.closed:
            if event.sent > known.size:
                self._leave(source, event.ts, "more was sent than is recorded")
            self._close(event.connection)

    def _dns(self, event: Dns) -> None:
        qname = raw(event.qname)
        parent = parent_domain(printable_name(event.qname))
        process = self._sockets.owner(event.client_port, event.server, 53)
        source = _Source(parent, "dns", process)
        self._questions.add(qname, parent, event.ts, process)
        self._add(self._search_name(qname), source, event.ts)

    def _search_name(self, qname: bytes) -> list[Hit]:
        if qname in self._asked:  # the other address family, or a retry
            return []
        if len(self._asked) < MAX_DEEP:
            self._asked.add(qname)
            return self._tokens.matcher.scan_name(qname)
        text = qname.replace(b".", b"")
        return self._tokens.matcher.stream().feed(text + b"\0" + text.upper())

    def _datagram(self, event: Datagram) -> None:
        source = self._source(_CHANNELS.get(event.protocol, "ip"), event)
        data = raw(event.data)
        # Each packet by itself, and as a piece of what was cut into packets.
        self._packets += 1
        alone = self._tokens.matcher.scan(data) if self._packets <= MAX_DEEP else ()
        key = f"{source.channel} {source.destination}"
        self._feed(key, source, event.ts, data, alone)

    def _source(self, channel: Channel, event: Tcp | Datagram) -> _Source:
        process = self._sockets.owner(event.client_port, event.address, event.port)
        return _Source(self._names.describe(event.address, event.port), channel, process)

    def _feed(
        self, key: int | str, source: _Source, ts: int, data: bytes, alone: Sequence[Hit] = ()
    ) -> _Open:
        """Search the next piece of a stream; `alone` is what the piece by itself showed."""
        known = self._streams.get(key)
        if known is None:
            if len(self._streams) >= MAX_STREAMS:
                self._evict(ts)
            known = self._streams[key] = _Open(self._tokens.matcher.stream(), source, ts)
        known.ts = ts
        known.size += len(data)
        known.digest.update(data)
        joined = known.stream.feed(data)
        self._add(alone or joined, source, ts, data)
        return known

    def _evict(self, ts: int) -> None:
        oldest = next(iter(self._streams))
        if isinstance(oldest, int):  # a connection; packets are searched one by one, too
            why = "more connections were open at once than are searched"
            self._leave(self._streams[oldest].source, ts, why)
        self._close(oldest)

    def _close(self, key: int | str) -> None:
        known = self._streams.pop(key)
        digest = known.digest.digest()
        if digest in self._empty:  # the same request again and again: decoded once
            return
        hits = known.stream.close()
        self._add(hits, known.source, known.ts)
        if known.stream.cut_short:
            self.cut_short += 1
            self._leave(known.source, known.ts, "it decodes to more than a limit allows")
        elif not hits and len(self._empty) < MAX_EMPTY:
            self._empty.add(digest)

    def _leave(self, source: _Source, ts: int, why: str) -> None:
        """Note that something stays unsearched, unless it never left the sandbox."""
        known = self._unsearched
        if source.channel != "output" and len(known) < MAX_SIGHTINGS:
            found = Unsearched(ts, source.destination, source.process, why)
            known.setdefault(source.destination, found)

    def _add(self, hits: Iterable[Hit], source: _Source, ts: int, data: bytes = b"") -> None:
        shown: str | None = None
        for hit in hits:
            sighting = self._sighting(hit.carrier, source)
            sighting.count += 1
            sighting.markers[hit.marker] = None
            encoding = " in ".join(reversed(hit.encodings))
            sighting.encodings[encoding] = None
            if len(sighting.evidence) < MAX_EVIDENCE:
                shown = self._tokens.snippet(data) if shown is None else shown
                text = f"{hit.marker} ({encoding}) to {source.destination}"
                text += f": {shown}" if shown else ""
                pid = source.process.pid if source.process else 0
                sighting.evidence.append(Evidence(ts=ts, text=text, pid=pid))

    def _sighting(self, token: str, source: _Source) -> Sighting:
        channel, destination = source.channel, source.destination
        if (token, channel, destination) not in self._found and len(self._found) >= MAX_SIGHTINGS:
            destination = ELSEWHERE
        known = self._found.get((token, channel, destination))
        if known is None:
            known = Sighting(token, destination, channel, source.process)
            self._found[token, channel, destination] = known
        return known


_CHANNELS: Final[dict[str, Channel]] = {"udp": "udp", "icmp": "icmp", "icmp6": "icmp"}


@dataclass(frozen=True, slots=True)
class _Source:
    """Where data was seen, and who sent it."""

    destination: str
    channel: Channel
    process: ProcessState | None


@dataclass(slots=True)
class _Open:
    """A stream that is not at its end yet."""

    stream: Stream
    source: _Source
    ts: int
    """Time of the last piece."""
    size: int = 0
    digest: blake2b = field(default_factory=lambda: blake2b(digest_size=16))
