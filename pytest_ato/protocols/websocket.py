"""WebSocket messages from a client: unmasked and, where the extension was agreed, inflated.

Owns the frames (RFC 6455) and permessage-deflate (RFC 7692). Each message is a body of its own
number. Where no frame can be, all that follows is `Rest`.
"""

from __future__ import annotations

import zlib
from typing import Final

from pytest_ato.protocols.messages import Body, End, Message, Rest, Unread

MAX_FRAME: Final = 4 << 20
"""Bytes of a frame that is waited for."""
MAX_OUT: Final = 16 << 20
"""Bytes that the messages of a connection may inflate to; what follows comes compressed."""

_CONTINUATION: Final = 0x0
_DATA: Final = (0x1, 0x2)
_CONTROL: Final = (0x8, 0x9, 0xA)


class WebSocket:
    """Reads what one client sent."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._number = 0
        self._deflated = False
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._room = MAX_OUT
        self._lost = False

    def feed(self, data: bytes) -> list[Message]:
        """Take the next bytes; return what they make certain."""
        self._buffer += data
        found: list[Message] = []
        while self._frame(found):
            pass
        return found

    def close(self) -> list[Message]:
        """The stream ended."""
        data = bytes(self._buffer)
        self._buffer.clear()
        return [Rest(data)] if data else []

    def _frame(self, found: list[Message]) -> bool:
        buffer = self._buffer
        if self._lost or (len(buffer) >= 2 and not _is_frame(buffer)):
            self._lost = True
            found += self.close()
            return False
        if len(buffer) < 2:
            return False
        size = buffer[1] & 0x7F
        wide = {126: 2, 127: 8}.get(size, 0)
        start = 2 + wide + 4
        if len(buffer) < start:
            return False
        size = int.from_bytes(buffer[2 : 2 + wide], "big") if wide else size
        if size > MAX_FRAME:
            self._lost = True
            return True
        if len(buffer) < start + size:
            return False
        final, deflated, kind = buffer[0] & 0x80, buffer[0] & 0x40, buffer[0] & 0x0F
        data = _unmask(bytes(buffer[start : start + size]), bytes(buffer[start - 4 : start]))
        del buffer[: start + size]
        self._take(kind, bool(final), bool(deflated), data, found)
        return True

    def _take(
        self, kind: int, final: bool, deflated: bool, data: bytes, found: list[Message]
    ) -> None:
        if kind in _CONTROL:
            if data:
                found.append(Rest(data))
            return
        if kind in _DATA:
            self._number += 1
            self._deflated = deflated
        had_room = self._room > 0
        if self._deflated:
            data = self._inflated(data, final)
        if data:
            found.append(Body(self._number, data))
        if had_room and self._room <= 0:
            found.append(Unread())
        if final:
            found.append(End(self._number))

    def _inflated(self, data: bytes, final: bool) -> bytes:
        if self._room <= 0:
            return data
        try:
            out = self._inflater.decompress(data + b"\0\0\xff\xff" * final, self._room)
        except zlib.error:
            self._room = 0
            return data
        self._room -= len(out)
        if self._inflater.eof:
            self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        return out


def _is_frame(head: bytearray) -> bool:
    """Whether a client's frame can begin so: masked, of a kind that there is."""
    kind = head[0] & 0x0F
    is_known = kind == _CONTINUATION or kind in _DATA or kind in _CONTROL
    return bool(head[1] & 0x80) and not head[0] & 0x30 and is_known


def _unmask(data: bytes, mask: bytes) -> bytes:
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
