"""What a parser of one direction of a connection gives: requests, their bodies, and the rest.

Data only. Every byte that was fed comes out once, as part of one of these or as framing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

Header: TypeAlias = tuple[bytes, bytes]
"""Name in lower case, and value."""


@dataclass(frozen=True, slots=True)
class Request:
    """The head of one request; `number` ties its body to it within the connection."""

    number: int
    method: bytes
    target: bytes
    """As sent: a path with its query, a whole URL (to a proxy), or ``host:port`` (CONNECT)."""
    host: bytes
    """From the Host header, ``:authority`` or a whole URL; empty where none is there."""
    headers: tuple[Header, ...]
    version: str = "1.1"
    scheme: bytes = b""

    def header(self, name: bytes) -> bytes:
        """The first value of the header with this lower-case name; empty when there is none."""
        return next((value for known, value in self.headers if known == name), b"")


@dataclass(frozen=True, slots=True)
class Body:
    """The next bytes of a request's body, transfer coding undone, content coding not."""

    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Trailer:
    """Headers that came after a body, or of a request whose head was not seen."""

    number: int
    headers: tuple[Header, ...]


@dataclass(frozen=True, slots=True)
class End:
    """The request is at its end."""

    number: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Bytes that are no message of this protocol, in their order."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Unread:
    """Something before this was encoded in a way, or to a length, that was not undone."""


Message: TypeAlias = Request | Body | Trailer | End | Rest | Unread


class Parser(Protocol):
    """Reads one direction of one connection."""

    def feed(self, data: bytes) -> list[Message]:
        """Take the next bytes; return what they make certain."""

    def close(self) -> list[Message]:
        """The stream ended, or goes on after a gap: return what is left."""
