"""Connections and packets of the audit, read into what they carried.

Owns which records belong to one connection, who is behind it, and which of several copies of the
same bytes is read. What comes of it is in `derived` until the pipeline takes it. Bounded: of many
open connections, the oldest is taken for ended.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from pytest_ato.detectors.names import Names
from pytest_ato.detectors.processes import ProcessState, ProcessTable
from pytest_ato.detectors.sockets import Sockets
from pytest_ato.detectors.traffic import Channel, Closed, Payload, Stream, Traffic
from pytest_ato.detectors.view import Numbers, Place, View
from pytest_ato.model.events import Datagram, Tcp, Tls
from pytest_ato.model.octets import raw
from pytest_ato.model.record import Event

MAX_OPEN: Final = 512
"""Connections that are read at once."""
_CHANNELS: Final[dict[str, Channel]] = {"udp": "udp", "icmp": "icmp", "icmp6": "icmp"}


class Connections:
    """Reads everything that left, kept up to date by `update`."""

    def __init__(self, names: Names, sockets: Sockets, processes: ProcessTable) -> None:
        self._names = names
        self._sockets = sockets
        self._processes = processes
        self._views: OrderedDict[Hashable, View] = OrderedDict()
        self._numbers = Numbers()
        self._count = 0
        self._ts = 0
        self.derived: list[Traffic] = []
        """What the records so far made certain, and nobody has taken yet."""

    @property
    def cut_short(self) -> int:
        """HTTP bodies of which a bound on decoding left something unread."""
        return self._numbers.cut_short

    def take(self) -> list[Traffic]:
        """Take what is derived; the next call has only what is new."""
        taken, self.derived = self.derived, []
        return taken

    def update(self, event: Event) -> None:
        """Take a `Tcp`, `Tls` or `Datagram` record."""
        self._ts = event.ts
        match event:
            case Tcp():
                self._tcp(event)
            case Tls():
                self._tls(event)
            case Datagram():
                self._datagram(event)

    def finish(self) -> None:
        """After the last record: all connections are at their end."""
        for key in tuple(self._views):
            self._close(key)

    def _tcp(self, event: Tcp) -> None:
        key = ("tcp", event.connection)
        if event.data and event.direction == "out":
            view = self._view(key, "tcp", event.address, event.port, event.client_port)
            self.derived += view.feed(raw(event.data), event.ts)
        if event.closed:
            self._close(key)

    def _tls(self, event: Tls) -> None:
        key = (event.via, event.stream)
        if event.data and event.direction == "out":
            view = self._view(key, "tls", event.address, event.port, event.client_port, event.pid)
            data = raw(event.data)
            self.derived.append(view.place.make(Stream, event.ts, data=data))
            self.derived += view.feed(data, event.ts)
        if event.closed:
            self._close(key)

    def _datagram(self, event: Datagram) -> None:
        channel = _CHANNELS.get(event.protocol, "ip")
        place = self._place(channel, event.address, event.port, event.client_port)
        part = next(self._numbers.parts)
        data = raw(event.data)
        self.derived.append(place.make(Payload, event.ts, path=place.path, part=part, data=data))

    def _view(
        self,
        key: Hashable,
        channel: Channel,
        address: str,
        port: int,
        client_port: int,
        pid: int = 0,
    ) -> View:
        known = self._views.get(key)
        if known is None:
            if len(self._views) >= MAX_OPEN:
                self._close(next(iter(self._views)))
            place = self._place(channel, address, port, client_port, pid)
            known = self._views[key] = View(place, self._numbers)
        return known

    def _place(
        self, channel: Channel, address: str, port: int, client_port: int, pid: int = 0
    ) -> Place:
        self._count += 1
        process: ProcessState | None
        if pid:
            process = self._processes.actor(pid)
        else:
            process = self._sockets.owner(client_port, address, port)
        destination = self._names.describe(address, port)
        return Place(self._count, destination, address, port, process, channel, (channel,))

    def _close(self, key: Hashable) -> None:
        view = self._views.pop(key, None)
        if view is not None:
            self.derived += view.close(self._ts)
            self.derived.append(view.place.make(Closed, self._ts))
