"""One TCP connection: what the wire shows of it, and the plaintext that any source tells.

Owns how the two become events for detectors, and the figures that the ledger needs. Which records
belong to it is decided in `connections`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pytest_ato.detectors.copies import Copies, New
from pytest_ato.detectors.sockets import Flow
from pytest_ato.detectors.traffic import Closed, Stream, Traffic
from pytest_ato.detectors.view import Numbers, Place, View
from pytest_ato.model.events import Handshake, Tcp, Tls
from pytest_ato.model.octets import raw
from pytest_ato.protocols.tls import Records, begins_tls


class Connection:
    """Feed it the records that belong to it; it yields what they make certain."""

    def __init__(self, place: Place, numbers: Numbers, flow: Flow, begun: int) -> None:
        self.place = place
        self.flow = flow
        self.begun = begun
        """Time of the first record."""
        self.latest = begun
        """Time of the last record so far."""
        self.number = 0
        """The wire's, as in `Tcp`; 0: the wire has not shown it yet."""
        self.records: dict[str, Records] = {}
        """By direction, once the wire shows TLS."""
        self.flight = (0, 0)
        """What of the server's records belongs to its handshake, as `Records.application`."""
        self.clear = 0
        """Bytes to the peer before TLS began on the wire."""
        self.sent = 0
        self.received = 0
        """Bytes on the wire, as the record of the end has them, or as far as they were recorded."""
        self.plain = Copies()
        self.seen: dict[str, dict[str, int]] = {}
        """Bytes of plaintext by source and direction."""
        self.told: dict[str, dict[str, int]] = {}
        """The same with those that the source counted and did not keep."""
        self.sources: set[tuple[str, int]] = set()
        self.handshake: Handshake | None = None
        self.ended = False
        """The wire showed its end."""
        self._numbers = numbers
        self._views: dict[str, View] = {}
        self._told = False
        """Its end was told, and nothing came after."""

    @property
    def is_tls(self) -> bool:
        """Whether the wire showed TLS, or a source plaintext of it."""
        return bool(self.records or self.seen or self.handshake)

    def tcp(self, event: Tcp) -> Iterator[Traffic]:
        """Take one record of the wire."""
        self.latest = event.ts
        data = raw(event.data)
        if event.direction == "out":
            self.sent = max(self.sent, event.offset + len(data), event.sent)
        else:
            self.received = max(self.received, event.offset + len(data))
        if event.closed:
            self.ended, self.received = True, max(self.received, event.received)
        if not data:
            return
        if not self.records and event.direction == "out" and begins_tls(data):
            self.clear = event.offset
            self.records = {"out": Records(), "in": Records()}
        if self.records:
            self._record(event.direction, data)
        elif event.direction == "out":
            yield from self._view("wire", self.place).feed(data, event.ts)

    def tls(self, event: Tls) -> Iterator[Traffic]:
        """Take one piece of plaintext."""
        self.latest = event.ts
        source = (event.via, event.stream)
        data = raw(event.data)
        if data or event.size:
            seen = self.seen.setdefault(event.via, {"out": 0, "in": 0})
            seen[event.direction] += len(data)
            told = self.told.setdefault(event.via, {"out": 0, "in": 0})
            whole = event.offset + max(event.size, len(data))
            told[event.direction] = max(told[event.direction], whole)
        if data and event.direction == "out":
            self.sources.add(source)
            for new in self.plain.take(source, event.offset, data):
                yield from self._new(new, event.via, event.ts)
        if event.closed:
            self.sources.discard(source)
            for new in self.plain.end(source):
                yield from self._new(new, event.via, event.ts)

    def _record(self, direction: str, data: bytes) -> None:
        client, server = self.records["out"], self.records["in"]
        if direction == "out" and not client.application[0]:
            self.flight = server.application
        self.records[direction].feed(data)

    def end(self, ts: int) -> Iterator[Traffic]:
        """Nothing more is expected; what comes all the same is taken as before."""
        for new in self.plain.end_all():
            yield from self._new(new, "copy", ts)
        for view in self._views.values():
            yield from view.close(ts)
        self._views.clear()
        if not self._told:
            self._told = True
            yield self.place.make(Closed, ts)

    def _new(self, new: New, via: str, ts: int) -> Iterator[Traffic]:
        place = replace(self.place, channel="tls", path=("tls",))
        copy = "" if new.main else via
        view = self._view(copy or "tls", place)
        if new.gap:
            yield from view.close(ts)
        yield place.make(Stream, ts, data=new.data, copy=copy, gap=new.gap)
        yield from view.feed(new.data, ts)

    def _view(self, key: str, place: Place) -> View:
        self._told = False
        known = self._views.get(key)
        if known is None:
            known = self._views[key] = View(place, self._numbers)
        return known
