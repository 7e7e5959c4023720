"""A WebSocket that listens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture.sinkhole.http import HttpServer
from pytest_ato.capture.sinkhole.websocket import WebSocketServer, accept_key

HANDSHAKE = (
    b"GET /chat HTTP/1.1\r\nHost: ws.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(code: int, payload: bytes, *, fin: bool = True) -> bytes:
    size = len(payload)
    head = bytes([0x80 * fin | code])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 1 << 16:
        head += bytes([0x80 | 126]) + size.to_bytes(2)
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8)
    mask = b"\x01\x02\x03\x04"
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def test_the_handshake_is_the_rfcs_example():
    assert accept_key(b"dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    server = HttpServer()
    reply = server.receive(HANDSHAKE)
    assert reply.data.startswith(b"HTTP/1.1 101 ")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in reply.data
    assert server.receive(frame(9, b"hi")).data == b"\x8a\x02hi"


@pytest.mark.parametrize("size", [0, 5, 125, 126, 70_000])
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_messages_are_passed_over_and_pings_answered(size, step):
    server = WebSocketServer()
    data = frame(2, b"x" * size) + frame(9, b"ping") + frame(8, b"\x03\xe8bye")
    out, closed = b"", False
    for at in range(0, len(data), step):
        reply = server.receive(data[at : at + step])
        out += reply.data
        closed |= reply.close
    assert out == b"\x8a\x04ping\x88\x02\x03\xe8"
    assert closed


def test_a_message_that_claims_to_be_endless_is_not_waited_for():
    server = WebSocketServer()
    assert server.receive(b"\x82\xff" + b"\x7f" * 8 + b"mask" + b"x" * 100_000).data == b""
    assert len(server._buffer) == 0


@given(st.binary(max_size=300), st.integers(1, 9))
def test_any_bytes_are_taken_alike_however_they_are_split(data, step):
    whole, split = WebSocketServer(), WebSocketServer()
    expected = whole.receive(data)
    out = b""
    for at in range(0, len(data), step):
        reply = split.receive(data[at : at + step])
        out += reply.data
        if reply.close:
            break
    assert expected.data.startswith(out) or out.startswith(expected.data)
