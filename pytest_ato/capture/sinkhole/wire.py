"""What capture and the sinkhole say to each other.

Owns both message sets and their encoding: orders to the sinkhole are one datagram each on its
standard input, a SOCK_SEQPACKET socket that also carries descriptors; records from it are JSON
lines on its standard output. Both ends decode strictly; a record that does not decode means that
the sinkhole can no longer be trusted.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from pytest_ato.model.events import Datagram, Dns, Handshake, Lost, Tcp, Tls
from pytest_ato.model.record import Event

SOCKETS = ("tcp4", "dns4", "packets", "tcp6", "dns6")
"""The order of descriptors that come with `Join`; the last two only where IPv6 is there."""

ORDER_BYTES = 1 << 17
"""An order is not longer; the kernel passes twice as much as one datagram."""
PROXY_PORT = 4001
"""Where the TLS proxy listens on the gateway's loopback."""
PLAIN_PORT = 4002
"""Where the sinkhole takes on the gateway's loopback what the proxy decrypted."""


class Join(msgspec.Struct, frozen=True, tag="join"):
    """A new audit begins; its sockets come along. An audit before it ends."""

    serial: int
    tls: bool = False
    """Whether there is a TLS proxy to ask for."""
    resolver: str = ""
    """Address of the resolver that questions are passed on to, and connections to true servers;
    empty: nothing leaves, the sinkhole answers itself."""
    names: tuple[str, ...] | None = None
    """Domains that the resolver may be asked for; None: all."""


class Settle(msgspec.Struct, frozen=True, tag="settle"):
    """The audit's processes are gone: deliver everything, within `seconds`."""

    serial: int
    seconds: float


class Adopt(msgspec.Struct, frozen=True, tag="adopt"):
    """The TLS proxy that was asked for is being started; its stream of frames comes along.

    No descriptor: it could not be started.
    """


class Ready(Event, tag="ready", frozen=True, kw_only=True):
    """The sinkhole has its modules loaded and its privileges dropped."""


class Settled(Event, tag="settled", frozen=True, kw_only=True):
    """Everything of the audit has been written before this record."""

    serial: int


class ProxyWanted(Event, tag="proxy_wanted", frozen=True, kw_only=True):
    """A connection begins with a ClientHello, and no TLS proxy is there yet."""


class ProxyFailed(Event, tag="proxy_failed", frozen=True, kw_only=True):
    """The TLS proxy is given up; another one will be asked for when it is needed."""

    reason: str
    """Empty: its stream ended."""
    used: bool
    """Whether this audit had anything to do with it."""


Order: TypeAlias = Join | Settle | Adopt
Notice: TypeAlias = Ready | Settled | ProxyWanted | ProxyFailed
"""Records that are for capture alone."""
Record: TypeAlias = Dns | Tcp | Datagram | Tls | Handshake | Lost | Notice

_ENCODER = msgspec.json.Encoder()
_ORDERS: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)
_RECORDS: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


def encode(message: Order | Event) -> bytes:
    """Return one message as JSON on one line, without the newline."""
    return _ENCODER.encode(message)


def decode_order(message: bytes) -> Order:
    """Decode an order; raises `msgspec.DecodeError`."""
    return _ORDERS.decode(message)


def decode_record(line: bytes) -> Record:
    """Decode a record of the sinkhole; raises `msgspec.DecodeError`."""
    return _RECORDS.decode(line)
