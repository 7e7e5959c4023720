"""Whose traffic it is: from what the sinkhole saw back to the process that sent it.

Owns the joins by socket cookie, client port and destination. The later states of a TCP socket run
in whatever process the kernel interrupted, so only events of the owner's own calls name a process.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, TypeAlias, TypeVar

from pytest_ato.detectors.names import canonical
from pytest_ato.detectors.processes import ProcessState, ProcessTable
from pytest_ato.model.events import Bind, Connect, Send, SocketState
from pytest_ato.model.record import Event

MAX_SOCKETS: Final = 65536
"""Entries of each map; above it, the oldest is forgotten."""
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
Flow: TypeAlias = tuple[int, str, int]
"""Client port, address and port."""


class Sockets:
    """Owners of sockets, kept up to date by `update`."""

    def __init__(self, processes: ProcessTable) -> None:
        self._processes = processes
        self._by_cookie: OrderedDict[int, ProcessState] = OrderedDict()
        self._by_flow: OrderedDict[Flow, ProcessState] = OrderedDict()
        self._by_destination: OrderedDict[tuple[str, int], ProcessState] = OrderedDict()
        self._flows: OrderedDict[int, Flow] = OrderedDict()

    def owner(self, client_port: int, address: str, port: int) -> ProcessState | None:
        """The process that sent from `client_port` to `address` and `port`.

        Without a known socket, the last process that named this destination; None when no
        process did.
        """
        address = canonical(address) or address
        flow = self._by_flow.get((client_port, address, port))
        return flow or self._by_destination.get((address, port))

    def flow(self, cookie: int) -> Flow | None:
        """Client port, address and port of the TCP socket with this cookie, once it had them."""
        return self._flows.get(cookie)

    def update(self, event: Event) -> None:
        """Take a `Connect`, `Send`, `Bind` or `SocketState` record."""
        match event:
            case SocketState():
                self._state(event)
            case Connect() | Send():
                process = self._processes.actor(event.pid)
                address = canonical(event.address) or event.address
                _put(self._by_destination, (address, event.port), process)
                self._own(event.cookie, process)
            case Bind():
                self._own(event.cookie, self._processes.actor(event.pid))

    def _state(self, event: SocketState) -> None:
        if event.new == "SYN_SENT":
            self._own(event.cookie, self._processes.actor(event.pid))
        # The kernel picks the local port after the change to SYN_SENT, so it is mostly a later
        # state that tells it, and the cookie leads back to the owner.
        if not event.local_port:
            return
        flow = (event.local_port, canonical(event.address) or event.address, event.port)
        owner = self._by_cookie.get(event.cookie)
        if owner is not None:
            _put(self._by_flow, flow, owner)
        if event.cookie:
            _put(self._flows, event.cookie, flow)

    def _own(self, cookie: int, process: ProcessState) -> None:
        if cookie:
            _put(self._by_cookie, cookie, process)


def _put(known: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > MAX_SOCKETS:
        known.popitem(last=False)
