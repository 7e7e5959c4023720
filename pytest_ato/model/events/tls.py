"""What TLS connections carried, how their handshakes ended, and which libraries were watched."""

from __future__ import annotations

from typing import Literal

import msgspec

from pytest_ato.model.octets import Octets
from pytest_ato.model.record import Event


class Tls(Event, tag="tls", frozen=True, kw_only=True):
    """One piece of plaintext that a TLS connection carried, or the end of such a stream.

    Pieces of one `(via, stream, direction)` come in order; `offset` counts bytes of that
    direction. A library's probe knows the process and the socket, the proxy knows the addresses.

    The socket of a library that writes into memory, as node's and asyncio's do, is known only when
    the program sends what came out: a piece of no bytes that names the `cookie` then says what
    socket the stream is on, earlier pieces included.
    """

    via: Literal["openssl", "gnutls", "nss", "go", "proxy"]
    stream: int
    """Tells streams of one `via` apart within the audit; of the proxy: `Tcp.connection`."""
    direction: Literal["out", "in"]
    """out: from the target."""
    offset: int = 0
    data: Octets = ""
    size: int = 0
    """Bytes that the call carried; what `data` holds less of them was not captured."""
    closed: bool = False
    """The last record of this stream, in both directions."""
    pid: int = 0
    """The process whose library was watched; 0: not known."""
    tid: int = 0
    fd: int = -1
    cookie: int = 0
    """Of the socket underneath; 0: not known."""
    client: str = ""
    client_port: int = 0
    address: str = ""
    port: int = 0


class Handshake(Event, tag="handshake", frozen=True, kw_only=True):
    """How one TLS connection that reached the proxy began."""

    connection: int
    """As in `Tcp`."""
    client: str
    client_port: int
    address: str
    port: int
    outcome: Literal["intercepted", "refused", "failed"]
    """refused: the client did not accept the session's CA; failed: it was no handshake that the
    proxy could finish."""
    sni: Octets = ""
    alpn: tuple[Octets, ...] = ()
    """What the client offered."""
    version: str = ""
    reason: Octets = ""
    """For `refused` and `failed`: what the client or the proxy said."""


class Watched(Event, tag="watched", frozen=True, kw_only=True):
    """A file whose TLS functions are watched by probes, or why those of it cannot be.

    Files that carry none are not told.
    """

    path: Octets
    """As the process that maps it names it, or the host."""
    dev: int
    inode: int
    library: Literal["openssl", "gnutls", "nss", "go", ""] = ""
    functions: dict[str, Literal["emulated", "stepped", "refused"]] = msgspec.field(
        default_factory=dict
    )
    """Function to how its entry is watched: at an instruction that the kernel emulates, at one
    that the processor has to step through (ten times as slow), or not: the kernel refused it."""
    late: bool = False
    """It was found when it was mapped: what it did before was not seen."""
    problem: str = ""
    """Why it could not be looked into, or not all of it; a sentence."""
