"""The server's end of a WebSocket (RFC 6455) that listens: pings and farewells are answered.

Owns the frames as far as it must read them: the lengths of all, the payload of control frames.
"""

from __future__ import annotations

import base64
import hashlib

from pytest_ato.capture.sinkhole.reply import Reply

_KEY_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CLOSE, _PING, _PONG = 8, 9, 10
_FIN = 0x80
_MASKED = 0x80
_CONTROL = 125
"""Longest payload of a control frame."""


def accept_key(key: bytes) -> str:
    """Return what proves to the client that its handshake was understood."""
    digest = hashlib.sha1(key.strip() + _KEY_SUFFIX).digest()  # noqa: S324 - the RFC's own
    return base64.b64encode(digest).decode()


class WebSocketServer:
    """One connection after its handshake."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skip = 0

    def receive(self, data: bytes) -> Reply:
        """Answer control frames; the payload of others is passed over, however long."""
        out = bytearray()
        self._buffer += data
        while True:
            passed = min(self._skip, len(self._buffer))
            del self._buffer[:passed]
            self._skip -= passed
            if self._skip or len(self._buffer) < 2:
                return Reply(bytes(out))
            code, size = self._buffer[0] & 0x0F, self._buffer[1] & 0x7F
            extra = {126: 2, 127: 8}.get(size, 0)
            masked = bool(self._buffer[1] & _MASKED)
            head = 2 + extra + 4 * masked
            if len(self._buffer) < head:
                return Reply(bytes(out))
            length = int.from_bytes(self._buffer[2 : 2 + extra]) if extra else size
            if code < _CLOSE:
                del self._buffer[:head]
                self._skip = length
                continue
            if length > _CONTROL:
                return Reply(bytes(out) + _frame(_CLOSE, b"\x03\xea"), close=True)
            if len(self._buffer) < head + length:
                return Reply(bytes(out))
            mask = bytes(self._buffer[head - 4 : head]) if masked else b"\0\0\0\0"
            body = bytes(
                byte ^ mask[at % 4] for at, byte in enumerate(self._buffer[head : head + length])
            )
            del self._buffer[: head + length]
            if code == _PING:
                out += _frame(_PONG, body)
            elif code == _CLOSE:
                return Reply(bytes(out) + _frame(_CLOSE, body[:2]), close=True)


def _frame(code: int, payload: bytes) -> bytes:
    return bytes([_FIN | code, len(payload)]) + payload
