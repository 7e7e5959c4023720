"""WebSocket: masks taken off, messages inflated, what is no frame given back."""

from __future__ import annotations

import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.protocols.messages import Body, End, Rest, Unread
from pytest_ato.protocols.websocket import MAX_OUT, WebSocket


def frame(data, kind=1, final=True, deflated=False, mask=b"\1\2\3\4"):
    size = len(data)
    head = bytes([final << 7 | deflated << 6 | kind])
    if size < 126:
        head += bytes([0x80 | size])
    else:
        head += b"\xfe" + size.to_bytes(2, "big")
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


def read(data, size=5):
    parser = WebSocket()
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    return [one for piece in pieces for one in parser.feed(piece)] + parser.close()


def test_messages_in_frames():
    data = frame(b"hel", final=False) + frame(b"ping!", kind=9) + frame(b"lo", kind=0)
    data += frame(b"x" * 300, kind=2)
    assert read(data) == [
        *(Body(1, b"hel"), Rest(b"ping!"), Body(1, b"lo"), End(1)),
        *(Body(2, b"x" * 300), End(2)),
    ]


def test_a_deflated_message():
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(b"secret " * 9) + packer.flush(zlib.Z_SYNC_FLUSH)
    assert read(frame(packed[:-4], deflated=True))[0] == Body(1, b"secret " * 9)


def test_messages_that_inflate_beyond_the_bound_are_told():
    packer = zlib.compressobj(wbits=-15)
    piece = packer.compress(bytes(4 << 20)) + packer.flush(zlib.Z_SYNC_FLUSH)
    found = read(frame(piece[:-4], deflated=True) + frame(piece[:-4], deflated=True) * 6, 1000)
    assert sum(len(one.data) for one in found if isinstance(one, Body)) < MAX_OUT + (1 << 20)
    assert found.count(Unread()) == 1


def test_what_is_no_frame_comes_back():
    assert read(b"GET / HTTP/1.1\r\n\r\n", 100) == [Rest(b"GET / HTTP/1.1\r\n\r\n")]
    assert read(b"\x81\xff" + b"\xff" * 30)[0] is not None


@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    st.lists(st.binary(max_size=30) | st.sampled_from([frame(b"abc")]), max_size=5).map(b"".join)
)
def test_any_input_whatever(data):
    read(data)
