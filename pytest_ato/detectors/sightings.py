"""Where minted values were seen outside their carrier: on the wire and on the standard streams.

Owns the scan of everything that left the target, done once for all detectors. A connection is
searched as it was sent and, where it is HTTP, also as it was meant. What is told of what was found
is in `found`. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final

from pytest_ato.detectors import traffic
from pytest_ato.detectors.connections import Connections
from pytest_ato.detectors.found import Channel, Found, Sighting, Source, Unsearched
from pytest_ato.detectors.names import Names, parent_domain, printable_name
from pytest_ato.detectors.pieces import Pieces
from pytest_ato.detectors.questions import Joined, Questions
from pytest_ato.detectors.searches import Searched, Searches
from pytest_ato.detectors.sockets import Sockets
from pytest_ato.detectors.tokens import Tokens
from pytest_ato.detectors.traffic import Closed, Payload
from pytest_ato.honeytokens.match import Hit
from pytest_ato.model.events import Datagram, Dns, Output, Tcp
from pytest_ato.model.octets import raw
from pytest_ato.model.record import Event

MAX_STREAMS: Final = 128
"""Streams that are searched at once, each with up to a megabyte in memory; above it, the oldest is
closed early."""
MAX_PARTS: Final = 32
"""HTTP bodies that are searched at once, beside the streams that they are part of."""
MAX_DEEP: Final = 1000
"""DNS names, and packets, that are decoded one by one, at about a millisecond each; all of them are
searched in the simple encodings, and joined."""


class Sightings:
    """All sightings of one audit, kept up to date by `update`."""

    def __init__(
        self, tokens: Tokens, names: Names, sockets: Sockets, connections: Connections
    ) -> None:
        self._tokens = tokens
        self._names = names
        self._sockets = sockets
        self._connections = connections
        self._found = Found(tokens)
        self._streams = Searches(tokens)
        self._parts = Searches(tokens)
        self._sources: dict[Hashable, Source] = {}
        """Of the open streams and parts, by their key."""
        self._questions = Questions()
        self._pieces = Pieces()
        self._heads, self._bodies = Pieces(), Pieces()
        self._asked: set[bytes] = set()
        self._packets = 0
        self.cut_short = 0
        """Streams of which a bound on decoding left something unsearched."""

    @property
    def all(self) -> tuple[Sighting, ...]:
        """In the order in which they were made."""
        return self._found.all

    @property
    def unsearched(self) -> tuple[Unsearched, ...]:
        """The first for each destination, of whatever could hold a value that was not seen."""
        return self._found.unsearched

    @property
    def carriers(self) -> frozenset[str]:
        """Names of the honeytokens that were seen anywhere."""
        return self._found.carriers

    def update(self, event: Event) -> None:
        """Scan a `Tcp`, `Dns`, `Datagram` or `Output` record, or what is derived from them."""
        match event:
            case Tcp(direction="out"):
                self._tcp(event)
            case traffic.Stream():
                self._plaintext(event)
            case Payload(path=path) if len(path) > 1:  # else it is searched as it was sent
                self._part(event)
            case Closed():
                self._closed(event.connection)
            case Dns():
                self._dns(event)
            case Datagram():
                self._datagram(event)
            case Output():
                source = Source(event.stream, "output", None, ("output",))
                data = raw(event.data)
                self._feed(event.stream, source, event.ts, data)

    def finish(self) -> None:
        """After the last event: scan what only the whole shows."""
        for key in self._streams.keys:
            self._close(key)
        for key in self._parts.keys:
            self._close_part(key)
        self._found.release_all()
        matcher = self._tokens.matcher
        for joined in self._questions.joined():
            self._add_joined(joined, "dns", matcher.scan_name)
        for pieces in (self._pieces, self._heads, self._bodies):
            for joined in pieces.joined():
                self._add_joined(joined, "tcp", matcher.scan)

    def _add_joined(
        self, joined: Joined, channel: Channel, scan: Callable[[bytes], list[Hit]]
    ) -> None:
        path = ("dns",) if channel == "dns" else (channel, "in pieces")
        source = Source(joined.parent, channel, joined.process, path)
        hits = [hit for text in joined.texts for hit in scan(text)]
        told = self._found.places
        self._found.add(
            [hit for hit in hits if (hit.carrier, joined.parent) not in told], source, joined.ts
        )

    # --- streams and packets, as they were sent ---

    def _tcp(self, event: Tcp) -> None:
        key = ("wire", event.connection)
        known = self._sources.get(key)
        if known is None and not event.data:
            return
        source = known or self._of_connection(event)
        data = raw(event.data)
        self._feed(key, source, event.ts, data)
        self._pieces.add(event.connection, source.destination, data, event.ts, source.process)
        if event.closed:
            size = self._close(key).size
            # Of TLS, it is the plaintext that counts, and the ledger says what of it was seen.
            if event.sent > size and not self._connections.is_tls(event.connection):
                self._found.leave(source, event.ts, "more was sent than is recorded")

    def _of_connection(self, event: Tcp) -> Source:
        place = self._connections.place(event.connection)
        if place is not None:
            return Source(place.destination, "tcp", place.process, ("tcp",), place.connection)
        return self._source("tcp", event)

    def _plaintext(self, event: traffic.Stream) -> None:
        path = ("tls",)
        source = Source(event.destination, "tls", event.process, path, event.connection)
        self._feed(("tls", event.connection, event.copy), source, event.ts, event.data)
        number = -event.connection  # the numbers of the wire are others
        self._pieces.add(number, event.destination, event.data, event.ts, event.process)

    def _dns(self, event: Dns) -> None:
        qname = raw(event.qname)
        parent = parent_domain(printable_name(event.qname))
        process = self._sockets.owner(event.client_port, event.server, 53)
        source = Source(parent, "dns", process, ("dns",))
        self._questions.add(qname, parent, event.ts, process)
        self._found.add(self._search_name(qname), source, event.ts)

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

    def _source(self, channel: Channel, event: Tcp | Datagram) -> Source:
        process = self._sockets.owner(event.client_port, event.address, event.port)
        where = self._names.describe(event.address, event.port)
        return Source(where, channel, process, (channel,))

    def _feed(
        self, key: Hashable, source: Source, ts: int, data: bytes, alone: Sequence[Hit] = ()
    ) -> None:
        """Search the next piece of a stream; `alone` is what the piece by itself showed."""
        if key not in self._streams and len(self._streams) >= MAX_STREAMS:
            self._evict(ts)
        source.ts = ts
        self._sources[key] = source
        joined = self._streams.feed(key, data)
        self._found.add(alone or joined, source, ts, data)

    def _evict(self, ts: int) -> None:
        oldest = self._streams.oldest
        if isinstance(oldest, tuple):  # a connection; packets are searched one by one, too
            why = "more connections were open at once than are searched"
            self._found.leave(self._sources[oldest], ts, why)
        self._close(oldest)

    def _close(self, key: Hashable) -> Searched:
        searched = self._streams.close(key)
        self._searched(self._sources.pop(key), searched)
        return searched

    def _searched(self, source: Source, searched: Searched) -> None:
        """Take what the end of a stream or a part showed."""
        self._found.add(searched.hits, source, source.ts)
        if searched.cut_short:
            self._cut(source, source.ts)

    def _cut(self, source: Source, ts: int) -> None:
        self.cut_short += 1
        self._found.leave(source, ts, "it decodes to more than a limit allows")

    # --- HTTP, as it was meant ---

    def _part(self, event: Payload) -> None:
        channel: Channel = event.channel
        source = Source(event.destination, channel, event.process, event.path, event.connection)
        source.ts, source.meant = event.ts, True
        if event.data:
            if event.part not in self._parts and len(self._parts) >= MAX_PARTS:
                self._close_part(self._parts.oldest)
            self._sources[event.part] = source
            self._found.add(self._parts.feed(event.part, event.data), source, event.ts, event.data)
            pieces = self._bodies if "http body" in event.path else self._heads
            number = event.exchange or -event.connection
            pieces.add(number, event.destination, event.data, event.ts, event.process)
        if event.cut_short:
            self._cut(source, event.ts)
        if event.last and event.part in self._parts:
            self._close_part(event.part)

    def _close_part(self, part: Hashable) -> None:
        self._searched(self._sources.pop(part), self._parts.close(part))

    def _closed(self, connection: int) -> None:
        for key in self._streams.keys:
            if isinstance(key, tuple) and key[:2] == ("tls", connection):
                self._close(key)
        self._found.release(connection)


_CHANNELS: Final[dict[str, Channel]] = {"udp": "udp", "icmp": "icmp", "icmp6": "icmp"}
