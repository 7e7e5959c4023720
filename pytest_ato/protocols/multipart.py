"""Multipart bodies (RFC 2046, 5.1), split into their parts piece by piece.

Owns the boundaries. A body that is none, or not ended, comes out all the same; a flood of parts
becomes one last part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_PARTS: Final = 256
"""Parts that are told apart."""
MAX_HEAD: Final = 8 << 10
"""Bytes of a part's headers."""

_BOUNDARY: Final = re.compile(
    rb'(?i)multipart/[^;]+;(?:.*;)?\s*boundary=(?:"([^"]{1,200})"|([^;\s]{1,200}))'
)
_END_OF_HEAD: Final = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Piece:
    """The next bytes of one part: its headers (`head`), or its content."""

    part: int
    data: bytes
    head: bool = False


def boundary(content_type: bytes) -> bytes:
    """The boundary of a multipart media type; empty when it is another."""
    match = _BOUNDARY.match(content_type[:1024].strip())
    return (match.group(1) or match.group(2)) if match else b""


class Multipart:
    """Splits one body; feed it in order, then `close` it."""

    def __init__(self, boundary: bytes) -> None:
        self._mark = b"--" + boundary
        self._buffer = bytearray(b"\n")  # the first boundary needs no line before it
        self._part = 0
        self._in_head = False

    def feed(self, data: bytes) -> list[Piece]:
        """Take the next bytes; return what they make certain."""
        self._buffer += data
        found: list[Piece] = []
        while self._step(found):
            pass
        return found

    def close(self) -> list[Piece]:
        """The body ended: return what is left."""
        data, self._buffer = bytes(self._buffer), bytearray()
        return [Piece(self._part, data, self._in_head)] if data.strip() else []

    def _step(self, found: list[Piece]) -> bool:
        return self._head(found) if self._in_head else self._content(found)

    def _head(self, found: list[Piece]) -> bool:
        buffer = self._buffer
        bare = re.match(rb"\r?\n", buffer)
        end = bare or _END_OF_HEAD.search(buffer, 0, MAX_HEAD)
        if end is None and len(buffer) <= MAX_HEAD:
            return False
        size = end.end() if end else 0
        if size and not bare:
            found.append(Piece(self._part, bytes(buffer[:size]), True))
        del buffer[:size]
        self._in_head = False
        return True

    def _content(self, found: list[Piece]) -> bool:
        buffer = self._buffer
        at = buffer.find(b"\n" + self._mark) if self._part < MAX_PARTS else -1
        if at < 0:
            ready = max(0, len(buffer) - len(self._mark) - 2)
            self._give(found, ready)
            del buffer[:ready]
            return False
        line_end = buffer.find(b"\n", at + 1)
        if line_end < 0 and len(buffer) - at < len(self._mark) + 256:
            return False
        ended = buffer[at + 1 + len(self._mark) :][:2] == b"--"
        self._give(found, at - (buffer[at - 1 : at] == b"\r"))
        del buffer[: line_end + 1 if line_end >= 0 else at + 1 + len(self._mark)]
        self._part += 1
        self._in_head = not ended
        return True

    def _give(self, found: list[Piece], size: int) -> None:
        data = bytes(self._buffer[: max(0, size)])
        if data.strip(b"\r\n") or (data and self._part):
            found.append(Piece(self._part, data))
