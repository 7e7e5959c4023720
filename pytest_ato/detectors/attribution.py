"""Whose flow it is that the wire saw: a socket's of the audit, the kernel's own, or nobody's.

Owns the reconciliation of the wire with the sockets: of TCP by the four numbers of a connection, of
all else by the destination that a call or the kernel named. What has too many sockets to keep is
not judged. Order does not matter: flows come when the audit ends, and so does the judgement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from pytest_ato.detectors.names import canonical
from pytest_ato.model.events import Bind, Connect, Flow, Send, SocketState
from pytest_ato.model.record import Event

Owner = Literal["sockets", "kernel", "nobody"]
_Key = TypeVar("_Key")

MAX_KNOWN: Final = 65536
"""Sockets and destinations that are told apart, of each kind."""
MAX_FLOWS: Final = 16384
"""As many as the kernel side counts."""
WANTS: Final = (Connect, Send, Bind, SocketState, Flow)
"""What the reconciliation is made of."""
_RST: Final = 0x04
_ACK: Final = 0x10
_BARE: Final = 80
"""Bytes of a frame that has a TCP header over IPv6, and no data."""
_KERNELS: Final = {
    "icmp": frozenset({3, 4, 5, 11, 12}),  # errors, redirects (RFC 792)
    "icmp6": frozenset({1, 2, 3, 4, *range(130, 138), 143}),  # errors, MLD, NDP (RFC 4443, 4861)
}
"""Types of ICMP that nobody needs a socket for."""
_IGMP: Final = "ip-2"


@dataclass(frozen=True, slots=True)
class Sum:
    """Flows of one owner."""

    flows: int = 0
    packets: int = 0
    bytes: int = 0

    def plus(self, flow: Flow) -> Sum:
        """With one more."""
        return Sum(self.flows + 1, self.packets + flow.packets, self.bytes + flow.bytes)


class Attribution:
    """Feed it an audit's events of `WANTS`, in any order; then ask."""

    def __init__(self) -> None:
        self._flows: list[Flow] = []
        self._owned: set[tuple[int, str, int]] = set()
        """Client port, address and port of TCP sockets."""
        self._starting: dict[int, tuple[str, int]] = {}
        """Where TCP sockets go, by cookie, while their own port is not known."""
        self._named: set[tuple[str, int]] = set()
        """Destinations that were named for something else than TCP."""
        self._local: set[int] = set()
        """Ports that sockets were bound to."""
        self._known = 0

    def update(self, event: Event) -> None:
        """Take an event; others than those of `WANTS` say nothing here."""
        match event:
            case Flow() if len(self._flows) < MAX_FLOWS:
                self._flows.append(event)
            case SocketState():
                self._state(event)
            case Connect(family="inet" | "inet6") | Send(family="inet" | "inet6"):
                address = canonical(event.address) or event.address
                if event.protocol != "tcp":
                    self._note(self._named, (address, event.port))
                    self._note(self._named, (address, 0))
            case Bind(family="inet" | "inet6", port=port) if port:
                self._note(self._local, port)

    def is_whole(self) -> bool:
        """Whether all sockets were kept: else a flow of nobody's may be one's that was not."""
        return self._known < MAX_KNOWN

    def nobodys(self) -> list[Flow]:
        """The flows that no socket of the audit explains, nor the kernel's own duties."""
        return [flow for flow, owner in self._owners() if owner == "nobody"]

    def sums(self) -> dict[Owner, Sum]:
        """How much of the wire was whose."""
        sums: dict[Owner, Sum] = {"sockets": Sum(), "kernel": Sum(), "nobody": Sum()}
        for flow, owner in self._owners():
            sums[owner] = sums[owner].plus(flow)
        return sums

    def _state(self, event: SocketState) -> None:
        address = canonical(event.address) or event.address
        if event.new == "LISTEN":
            self._note(self._local, event.local_port)
        elif event.local_port:
            self._starting.pop(event.cookie, None)
            self._note(self._owned, (event.local_port, address, event.port))
        elif event.new == "SYN_SENT" and len(self._starting) < MAX_KNOWN:
            self._starting[event.cookie] = (address, event.port)

    def _note(self, known: set[_Key], key: _Key) -> None:
        if key not in known and self._known < MAX_KNOWN:
            known.add(key)
            self._known += 1

    def _owners(self) -> Iterator[tuple[Flow, Owner]]:
        starting = set(self._starting.values())
        peers = {address for _, address, _ in self._owned}
        for flow in self._flows:
            address = canonical(flow.address) or flow.address
            if flow.client_port in self._local:
                has_socket = True
            elif flow.protocol != "tcp":
                has_socket = (address, flow.port) in self._named
            elif flow.port:
                connection = (flow.client_port, address, flow.port)
                has_socket = connection in self._owned or (address, flow.port) in starting
            else:  # a later fragment
                has_socket = address in peers
            if has_socket:
                yield flow, "sockets"
            else:
                yield flow, "kernel" if _is_refusal(flow) or _is_duty(flow) else "nobody"


def _is_refusal(flow: Flow) -> bool:
    """Whether it may be the kernel's answer to what is for no socket: resets, without data."""
    is_reset = flow.flags in (_RST, _RST | _ACK)
    return is_reset and flow.bytes <= _BARE * flow.packets


def _is_duty(flow: Flow) -> bool:
    if flow.icmp is not None:
        return flow.icmp >> 8 in _KERNELS.get(flow.protocol, ())
    return flow.protocol == _IGMP
