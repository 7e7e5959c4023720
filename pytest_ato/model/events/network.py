"""What arrived at the other end: names, connections, packets, flows."""

from __future__ import annotations

from typing import Literal

from pytest_ato.model.octets import Octets
from pytest_ato.model.record import Event, Measured


class Dns(Event, tag="dns", frozen=True, kw_only=True):
    """A question that reached the sinkhole's responder, and the answer given."""

    client: str
    server: str
    """The address that was asked, before redirection."""
    transport: Literal["udp", "tcp"]
    qname: Octets
    """Without the trailing dot; the case is the client's."""
    qtype: str
    rcode: str
    answers: tuple[str, ...] = ()
    client_port: int = 0


class Tcp(Event, tag="tcp", frozen=True, kw_only=True):
    """One piece of a TCP connection that ended in the sinkhole, or its end.

    Pieces of one `(connection, direction)` come in order; `offset` counts bytes of that direction.
    The last record of a connection has `closed`, and `sent`/`received` as whole counts from the
    target's side, of which the pieces hold the first (bounded) part.
    """

    connection: int
    client: str
    client_port: int
    address: str
    """Destination before redirection."""
    port: int
    direction: Literal["out", "in"]
    """out: from the target."""
    offset: Measured = 0
    data: Octets = ""
    closed: bool = False
    sent: Measured = 0
    received: Measured = 0


class Datagram(Event, tag="datagram", frozen=True, kw_only=True):
    """One packet of UDP (other than DNS), ICMP or another protocol that left the target."""

    protocol: str
    """udp, icmp, icmp6, or ``ip-N``."""
    client: str
    address: str
    client_port: int = 0
    port: int = 0
    size: Measured = 0
    """Payload length; `data` holds the first (bounded) part."""
    data: Octets = ""


class Flow(Event, tag="flow", frozen=True, kw_only=True):
    """What the wire saw of one flow that left the target, counted in the gateway's driver (XDP)."""

    protocol: str
    """tcp, udp, sctp, icmp, icmp6, or ``ip-N``."""
    client: str
    address: str
    client_port: int = 0
    """0 as well: of a later fragment, which has no ports."""
    port: int = 0
    packets: Measured = 0
    bytes: Measured = 0
    """Of whole frames."""
    flags: int = 0
    """All TCP flags that were ever set (RFC 9293: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK)."""
    icmp: int | None = None
    """Type times 256 plus code, of ICMP."""
