"""TLS as the wire shows it: records by type and size, and what the two hellos say in clear.

Owns how many bytes of plaintext a run of records can hold (RFC 8446, 5.2; RFC 5246, 6.2.3).
Decrypts nothing. Bounded, incremental; what is no record ends the reading.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

MAX_RECORD: Final = (16 << 10) + 2048
"""Bytes of a record's fragment (RFC 5246, 6.2.3)."""
MAX_HELLO: Final = 64 << 10
"""Bytes of handshake messages in clear that are kept until the hello is whole."""

_HEAD: Final = 5
_HANDSHAKE: Final = 22
_APPLICATION: Final = 23
_CLIENT_HELLO: Final = 1
_SERVER_HELLO: Final = 2
_SERVER_NAME: Final = 0
_ALPN: Final = 16
_VERSIONS: Final = 43
_ECH: Final = 0xFE0D
_TLS13: Final = 0x0304
_TAG_13: Final = 17
"""Bytes by which TLS 1.3 makes a record longer: the true type and the tag."""
_ALERT: Final = 2
_MAX_ALERTS: Final = 2
_FINISHED_13: Final = frozenset({4 + 32 + _TAG_13, 4 + 48 + _TAG_13})
"""Lengths of a TLS 1.3 client's last handshake record, which looks like data."""
_CHACHA: Final = frozenset({*range(0xCCA8, 0xCCAF)})
_GCM_OR_CCM: Final = frozenset(
    {*range(0x009C, 0x00AE), *range(0xC02B, 0xC033), *range(0xC09C, 0xC0B0), *range(0xC07A, 0xC08E)}
)


@dataclass(frozen=True, slots=True)
class Hello:
    """What a ClientHello or a ServerHello says in clear."""

    version: int
    """The highest that a client offers, the one that a server chose: 0x0303 is TLS 1.2."""
    server_name: bytes = b""
    alpn: tuple[bytes, ...] = ()
    encrypted: bool = False
    """It has the extension by which the true hello is encrypted (ECH), or one made to look so."""
    cipher: int = 0
    """Of a ServerHello."""


class Records:
    """Reads the records of one direction of one connection."""

    def __init__(self) -> None:
        self.hello: Hello | None = None
        self.lost = False
        """What came is no TLS record, and nothing after it was read."""
        self.read = 0
        """Bytes of the records whose heads were read, heads included."""
        self.application = (0, 0)
        """Number of the records that carry application data, or look so, and the bytes of their
        fragments."""
        self.first = 0
        """Bytes of the first of them."""
        self._alerts = 0
        self._buffer = bytearray()
        self._skip = 0
        self._handshake = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._buffer += data
        while not self.lost and self._record():
            pass
        if self.lost:
            self._buffer.clear()

    @property
    def waiting(self) -> int:
        """Bytes behind `read` that came: of a hello that is not whole, or of a head."""
        return len(self._buffer)

    def plaintext(self, server: Hello | None, application: tuple[int, int]) -> int:
        """Bytes of plaintext that so many records of so many bytes hold at most, as `server` chose
        the version and the cipher. What TLS 1.3 makes look like them is left out: a client's
        Finished, and two alerts."""
        number, size = application
        chosen = server or self.hello
        if chosen is None or chosen.version >= _TLS13:
            if self.first in _FINISHED_13:
                number, size = number - 1, size - self.first
            alerts = _ALERT * min(self._alerts, _MAX_ALERTS)
            return max(0, size - number * _TAG_13 - alerts)
        return max(0, size - number * _overhead(chosen.cipher))

    def _record(self) -> bool:
        buffer = self._buffer
        if self._skip:
            taken = min(self._skip, len(buffer))
            self._skip -= taken
            del buffer[:taken]
            return not self._skip and bool(buffer)
        if len(buffer) < _HEAD:
            return False
        kind, major, _, length = struct.unpack_from(">BBBH", buffer)
        if kind not in range(20, 25) or major != 3 or length > MAX_RECORD:
            self.lost = True
            return False
        if kind == _HANDSHAKE and self.hello is None and len(self._handshake) <= MAX_HELLO:
            if len(buffer) < _HEAD + length:
                return False
            self._handshake += buffer[_HEAD : _HEAD + length]
            self.hello = parse_hello(bytes(self._handshake))
        elif kind == _APPLICATION:
            number, size = self.application
            self.application = number + 1, size + length
            self._alerts += length == _ALERT + _TAG_13
            self.first = self.first or length
        self.read += _HEAD + length
        self._skip = length
        del buffer[:_HEAD]
        return True


def begins_tls(data: bytes) -> bool:
    """Whether `data` begins with a record that begins with a ClientHello."""
    return (
        len(data) > _HEAD
        and data[0] == _HANDSHAKE
        and data[1] == 3
        and data[2] <= 4
        and data[_HEAD] == _CLIENT_HELLO
    )


def parse_hello(messages: bytes) -> Hello | None:
    """Read the hello that `messages`, the handshake messages so far, begin with; None if it is not
    whole, or none."""
    if len(messages) < 4 or messages[0] not in (_CLIENT_HELLO, _SERVER_HELLO):
        return None
    length = int.from_bytes(messages[1:4], "big")
    if len(messages) < 4 + length or length > MAX_HELLO:
        return None
    try:
        return _hello(_Reader(messages[4 : 4 + length]), messages[0])
    except IndexError:
        return None


class _Reader:
    """Takes fields off; raises IndexError where there is less than was said."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, size: int) -> bytes:
        if len(self.data) < size:
            raise IndexError
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """A field that begins with its length in `size` bytes."""
        return self.take(self.number(size))


def _hello(reader: _Reader, kind: int) -> Hello:
    version = reader.number(2)
    reader.take(32)
    reader.vector(1)
    cipher = 0
    if kind == _CLIENT_HELLO:
        reader.vector(2)
        reader.vector(1)
    else:
        cipher = reader.number(2)
        reader.take(1)
    extensions = dict(_extensions(reader.vector(2))) if reader.data else {}
    versions = extensions.get(_VERSIONS, b"")
    if kind == _CLIENT_HELLO:
        count = max(0, len(versions) - 1) // 2
        offered = struct.unpack_from(f">{count}H", versions, min(1, len(versions)))
        # Values that are only there to keep servers tolerant look like 0x?A?A (RFC 8701).
        version = max((one for one in offered if one & 0x0F0F != 0x0A0A), default=version)
    elif len(versions) == 2:
        version = int.from_bytes(versions, "big")
    return Hello(
        version=version,
        server_name=_server_name(extensions.get(_SERVER_NAME, b"")),
        alpn=_alpn(extensions.get(_ALPN, b"")),
        encrypted=_ECH in extensions and extensions[_ECH][:1] == b"\0",
        cipher=cipher,
    )


def _extensions(data: bytes) -> list[tuple[int, bytes]]:
    reader = _Reader(data)
    found: list[tuple[int, bytes]] = []
    while reader.data and len(found) < 64:
        found.append((reader.number(2), reader.vector(2)))
    return found


def _server_name(data: bytes) -> bytes:
    if not data:
        return b""
    reader = _Reader(_Reader(data).vector(2))
    while reader.data:
        kind, name = reader.number(1), reader.vector(2)
        if kind == 0:
            return name
    return b""


def _alpn(data: bytes) -> tuple[bytes, ...]:
    if not data:
        return ()
    reader = _Reader(_Reader(data).vector(2))
    found: list[bytes] = []
    while reader.data and len(found) < 16:
        found.append(reader.vector(1))
    return tuple(found)


def _overhead(cipher: int) -> int:
    """Bytes by which TLS 1.2 makes a record longer at least."""
    if cipher in _CHACHA:
        return 16
    if cipher in _GCM_OR_CCM or not cipher:
        return 24
    return 16 + 20 + 1  # CBC: a vector, a digest and padding
