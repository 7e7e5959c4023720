"""Connections and packets of the audit: which records belong together, and who is behind them.

Owns the joins: the wire's number, the client's port, the socket's cookie, and for streams without a
socket what they carried. What the records make certain is in `derived` until the pipeline takes it.
Bounded: of many connections, the oldest is taken for ended.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from functools import lru_cache
from typing import Final

from pytest_ato.detectors.connection import Connection
from pytest_ato.detectors.ledger import Ledger
from pytest_ato.detectors.names import Names, canonical
from pytest_ato.detectors.processes import ProcessState, ProcessTable
from pytest_ato.detectors.sockets import Flow, Sockets
from pytest_ato.detectors.traffic import Channel, Payload, Traffic
from pytest_ato.detectors.unjoined import Key, Unjoined, Waiting, connection_of
from pytest_ato.detectors.view import Numbers, Place
from pytest_ato.model.events import Datagram, Handshake, Tcp, Tls
from pytest_ato.model.octets import raw
from pytest_ato.model.record import Event

MAX_OPEN: Final = 512
"""Connections that are known at once."""
MAX_STREAMS: Final = 4096
"""Streams of libraries whose connection is remembered."""
UNKNOWN: Final = "an unknown destination"
_CHANNELS: Final[dict[str, Channel]] = {"udp": "udp", "icmp": "icmp", "icmp6": "icmp"}


class Connections:
    """Reads everything that left, kept up to date by `update`."""

    def __init__(self, names: Names, sockets: Sockets, processes: ProcessTable) -> None:
        self.derived: list[Traffic] = []
        """What the records so far made certain, and nobody has taken yet."""
        self.ledger = Ledger()
        """What was seen of each TLS connection; whole after `finish`."""
        self._names = names
        self._sockets = sockets
        self._processes = processes
        self._open: OrderedDict[int, Connection] = OrderedDict()
        self._by_number: dict[int, Connection] = {}
        self._by_flow: dict[Flow, Connection] = {}
        self._streams: OrderedDict[Key, Connection] = OrderedDict()
        self._unjoined = Unjoined()
        self._numbers = Numbers()
        self._count = 0
        self._ts = 0

    def place(self, number: int) -> Place | None:
        """Between whom the connection with this number of the wire's goes, while it is known."""
        known = self._by_number.get(number)
        return known.place if known else None

    def is_tls(self, number: int) -> bool:
        """Whether that connection is one of TLS."""
        known = self._by_number.get(number)
        return known is not None and known.is_tls

    def take(self) -> list[Traffic]:
        """Take what is derived; the next call has only what is new."""
        taken, self.derived = self.derived, []
        return taken

    def update(self, event: Event) -> None:
        """Take a `Tcp`, `Tls`, `Handshake` or `Datagram` record."""
        self._ts = event.ts
        match event:
            case Tcp():
                self._tcp(event)
            case Tls():
                self._tls(event)
            case Handshake():
                self._numbered(event).handshake = event
            case Datagram():
                self._datagram(event)

    def finish(self) -> None:
        """After the last record: all that waits finds its place, and everything is at its end."""
        while (waiting := self._unjoined.pop()) is not None:
            self._join(*waiting)
        for connection in tuple(self._open.values()):
            self._forget(connection)

    # --- records ---

    def _tcp(self, event: Tcp) -> None:
        connection = self._numbered(event)
        self.derived += connection.tcp(event)
        self._settle(connection)

    def _tls(self, event: Tls) -> None:
        if event.via == "proxy":
            self._add(self._numbered(event), event)
            return
        key = (event.via, event.stream)
        known = self._streams.get(key) or self._by_socket(event)
        if known is not None:
            self._remember(key, known)
            before = self._unjoined.take(key)  # its socket is known only now
            for earlier in (*(before.events if before else ()), event):
                self._add(known, earlier)
            return
        self._unjoined.add(key, event, self._processes.actor(event.pid))
        if self._unjoined.is_full and (waiting := self._unjoined.pop()):
            self._join(*waiting)

    def _datagram(self, event: Datagram) -> None:
        channel = _CHANNELS.get(event.protocol, "ip")
        place = self._place(channel, (event.client_port, event.address, event.port))
        part = next(self._numbers.parts)
        data = raw(event.data)
        self.derived.append(place.make(Payload, event.ts, path=place.path, part=part, data=data))

    # --- which connection ---

    def _numbered(self, event: Tcp | Tls | Handshake) -> Connection:
        """The connection with the wire's number; a new one may be known by its flow."""
        number = event.stream if isinstance(event, Tls) else event.connection
        known = self._by_number.get(number)
        if known is None:
            flow = _flow(event)
            known = self._by_flow.get(flow)
            if known is None or known.number:
                known = self._new(flow, event.ts)
            known.number = number
            self._by_number[number] = known
        return known

    def _by_socket(self, event: Tls) -> Connection | None:
        flow = self._sockets.flow(event.cookie) if event.cookie else None
        if flow is None and event.client_port and event.port:
            flow = _flow(event)
        if flow is None:
            return None
        return self._by_flow.get(flow) or self._new(flow, event.ts, event.pid)

    def _join(self, key: Key, waiting: Waiting) -> None:
        known = connection_of(waiting, key[0], self._open.values())
        if known is None:
            first = waiting.events[0]
            known = self._new((0, "", 0), first.ts, first.pid)
        self._remember(key, known)
        for event in waiting.events:
            self._add(known, event)

    def _new(self, flow: Flow, ts: int, pid: int = 0) -> Connection:
        if len(self._open) >= MAX_OPEN:
            self._forget(next(iter(self._open.values())))
        made = Connection(self._place("tcp", flow, pid), self._numbers, flow, ts)
        self._open[made.place.connection] = made
        if made.place.port:
            self._by_flow[flow] = made
        return made

    def _place(self, channel: Channel, flow: Flow, pid: int = 0) -> Place:
        self._count += 1
        client_port, address, port = flow
        process: ProcessState | None
        if pid:
            process = self._processes.actor(pid)
        else:
            process = self._sockets.owner(client_port, address, port)
        destination = self._names.describe(address, port) if address else UNKNOWN
        return Place(self._count, destination, address, port, process, channel, (channel,))

    # --- its life ---

    def _add(self, connection: Connection, event: Tls) -> None:
        made = list(connection.tls(event))
        if not _is_local(connection.place.address):  # what stays on the machine left nothing
            self.derived += made
        self._settle(connection)

    def _settle(self, connection: Connection) -> None:
        """End what is over; one of TLS is remembered, in case that a stream turns out to be its."""
        if connection.ended and not connection.sources:
            if connection.is_tls:
                self.derived += connection.end(self._ts)
            else:
                self._forget(connection)

    def _remember(self, key: Key, connection: Connection) -> None:
        self._streams[key] = connection
        if len(self._streams) > MAX_STREAMS:
            self._streams.popitem(last=False)

    def _forget(self, connection: Connection) -> None:
        self.derived += connection.end(self._ts)
        del self._open[connection.place.connection]
        self._by_number.pop(connection.number, None)
        if self._by_flow.get(connection.flow) is connection:
            del self._by_flow[connection.flow]
        if connection.is_tls:
            self.ledger.add(connection)


def _flow(event: Tcp | Tls | Handshake) -> Flow:
    return event.client_port, canonical(event.address) or event.address, event.port


@lru_cache(maxsize=1024)
def _is_local(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
