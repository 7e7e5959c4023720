"""What the proxy tells the sinkhole: frames on one stream, both ends' encoding of them.

Owns the layout: kind (one byte), number of the connection, length (both four bytes, network
order), payload. Standard library only, as it runs in two environments. The reader trusts nothing:
what is no frame raises `MalformedFrame`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass

READY = b"R"
"""It listens; of connection 0."""
HELLO = b"H"
"""How the handshake began: a JSON object with the fields of `Hello`."""
OUT = b">"
"""Plaintext from the client."""
IN = b"<"
"""Plaintext to the client."""
END = b"."
"""The last frame of a connection."""
FAULT = b"!"
"""An error of the proxy's own, in words."""

_KINDS = READY + HELLO + OUT + IN + END + FAULT
_HEAD = struct.Struct("!cII")
LONGEST = 1 << 20
"""Bytes of payload in one frame."""


class MalformedFrame(ValueError):
    """The stream does not hold frames (any more)."""


@dataclass(frozen=True)
class Frame:
    """One frame as read."""

    kind: bytes
    number: int
    payload: bytes


@dataclass(frozen=True)
class Hello:
    """How a handshake began; text is Latin-1, one character for one byte of the client's."""

    outcome: str
    sni: str = ""
    alpn: tuple[str, ...] = ()
    version: str = ""
    reason: str = ""

    def encode(self) -> bytes:
        """Return the payload of a HELLO frame."""
        return json.dumps(self.__dict__).encode()

    @classmethod
    def decode(cls, payload: bytes) -> Hello:
        """Read a HELLO frame's payload; raises `MalformedFrame`."""
        try:
            fields = json.loads(payload)
            fields["alpn"] = tuple(fields["alpn"])
            texts = [value for key, value in fields.items() if key != "alpn"] + [*fields["alpn"]]
            if not all(isinstance(text, str) for text in texts):
                raise TypeError("not a text")
            "".join(texts).encode("latin-1")
            return cls(**fields)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise MalformedFrame(f"not a handshake: {error}") from error


def encode(kind: bytes, number: int, payload: bytes = b"") -> bytes:
    """Return one frame, or several where the payload is longer than one may hold."""
    pieces = [payload[at : at + LONGEST] for at in range(0, len(payload), LONGEST)] or [b""]
    return b"".join(_HEAD.pack(kind, number, len(piece)) + piece for piece in pieces)


class Reader:
    """Takes bytes as they come, gives whole frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are complete now; raises `MalformedFrame`."""
        self._buffer += data
        while len(self._buffer) >= _HEAD.size:
            kind, number, length = _HEAD.unpack_from(self._buffer)
            if kind not in _KINDS or length > LONGEST:
                raise MalformedFrame(f"no frame is of kind {kind!r} and {length} bytes long")
            end = _HEAD.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_HEAD.size : end])
            del self._buffer[:end]
            yield Frame(kind, number, payload)
