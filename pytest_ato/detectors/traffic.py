"""What left the target, in clear: facts that are derived from the wire and from inside TLS.

Owns the shapes that detectors get beside the log's own events: they go into a definition's `wants`
and come to `process` like any event, right after the record that made them certain (or at the end
of the log, before `finish`). They are never part of the log.
"""

from __future__ import annotations

from typing import Literal

from pytest_ato.detectors.names import printable_name
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.model.octets import octets
from pytest_ato.model.record import Event
from pytest_ato.protocols.messages import Request

Channel = Literal["tcp", "tls", "udp", "icmp", "ip"]


class Traffic(Event, frozen=True, kw_only=True):
    """Something that went from the target to one destination."""

    connection: int
    """Tells connections and packets apart within the audit; not the number in `Tcp`."""
    destination: str
    """``name:port`` or ``address:port`` as a finding writes it: printable, the same in each run."""
    address: str = ""
    port: int = 0
    process: ProcessState | None = None
    """Who sent it, as far as known."""
    channel: Channel = "tcp"


class Payload(Traffic, frozen=True, kw_only=True):
    """The next bytes that left, with every layer undone that the protocol names.

    Everything sent in clear or inside a TLS connection that was looked into is part of exactly one
    payload, apart from framing. Where two sources saw the same bytes, one copy comes.
    """

    path: tuple[str, ...]
    """What was undone, outermost first: ``("tls", "http body", "gzip")``, ``("udp",)``."""
    part: int
    """Pieces with this number are one text, in order: a body, a URL, the headers, a packet."""
    data: bytes
    last: bool = False
    """Nothing of this part follows; these bytes may be none."""
    cut_short: bool = False
    """Something of it was not decoded, above all what is more than a bound allows."""
    exchange: int = 0
    """`Exchange.number` of the request that it belongs to; 0: it is no HTTP."""


class Exchange(Traffic, frozen=True, kw_only=True):
    """One HTTP request, as soon as its head is known; its body follows as payloads."""

    number: int
    """Unique within the audit."""
    request: Request
    url: str
    """Scheme, host and target as one printable line of at most 500 characters. It may hold values
    that a report must mask."""

    @property
    def host(self) -> str:
        """The name of the host that is asked, printable, without its port."""
        return printable_name(octets(self.request.host)).partition(":")[0]


class Stream(Traffic, frozen=True, kw_only=True):
    """The next bytes of what a TLS connection carried, as they were sent, framing included."""

    data: bytes
    copy: str = ""
    """The source that told these, where they differ from what another one told before."""
    gap: bool = False
    """Bytes are missing before these."""


class Closed(Traffic, frozen=True, kw_only=True):
    """Nothing of this connection follows."""
