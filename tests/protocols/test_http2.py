"""HTTP/2: requests by frames, joined midway, and frames that are wrong."""

from __future__ import annotations

import pytest
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    PingFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.protocols.http2 import MAX_BLOCK, PREFACE, Http2, looks_like_http2
from pytest_ato.protocols.messages import Body, End, Request, Rest, Trailer, Unread

FIELDS = [
    (":method", "POST"),
    (":path", "/v1"),
    (":authority", "a.example"),
    (":scheme", "https"),
    ("authorization", "Bearer abc"),
]


class Client:
    """Writes frames as a client does."""

    def __init__(self):
        self.encoder = Encoder()

    def headers(self, stream, *flags, fields=FIELDS):
        frame = HeadersFrame(stream, self.encoder.encode(fields))
        frame.flags |= set(flags)
        return frame.serialize()

    def data(self, stream, data, *flags, pad=0):
        frame = DataFrame(stream, data, pad_length=pad)
        frame.flags |= {*flags, "PADDED"} if pad else set(flags)
        return frame.serialize()


@pytest.fixture
def client():
    return Client()


def read(*pieces):
    parser = Http2()
    return [message for piece in pieces for message in parser.feed(piece)] + parser.close()


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_two_requests_at_once(client, size):
    data = PREFACE + SettingsFrame(0, settings={1: 4096}).serialize()
    data += client.headers(1, "END_HEADERS") + client.headers(3, "END_HEADERS", "END_STREAM")
    data += client.data(1, b"hel") + WindowUpdateFrame(0, window_increment=9).serialize()
    data += client.data(1, b"lo", "END_STREAM", pad=20)
    found = read(*(data[at : at + size] for at in range(0, len(data), size)))
    heads = [one for one in found if isinstance(one, Request)]
    assert [(one.number, one.target, one.host) for one in heads] == [
        (1, b"/v1", b"a.example"),
        (3, b"/v1", b"a.example"),
    ]
    assert heads[1].header(b"authorization") == b"Bearer abc"
    assert b"".join(one.data for one in found if isinstance(one, Body)) == b"hello"
    assert [one.number for one in found if isinstance(one, End)] == [3, 1]


def test_a_stream_joined_midway_gives_what_can_be_known(client):
    client.headers(1, "END_HEADERS")  # before the view began
    fields = [*FIELDS, ("x-new", "a value of its own")]
    late = client.headers(3, "END_HEADERS", fields=fields)
    late += client.data(3, b"body", "END_STREAM")
    assert looks_like_http2(late) is True
    request, body, end = read(late)
    assert (request.scheme, request.target) == (b"https", b"")
    assert request.header(b"x-new") == b"a value of its own"
    assert (body.data, end.number) == (b"body", 3)


def test_a_body_whose_head_was_not_seen(client):
    assert read(client.data(5, b"body", "END_STREAM")) == [Body(5, b"body"), End(5)]


def test_headers_in_continuations_and_trailers(client):
    block = client.encoder.encode(FIELDS)
    first = HeadersFrame(1, block[:9]).serialize()
    more = ContinuationFrame(1, block[9:])
    more.flags.add("END_HEADERS")
    trailer = client.headers(1, "END_HEADERS", "END_STREAM", fields=[("t", "v")])
    request, trailers, end = read(first + more.serialize() + trailer)
    assert request.target == b"/v1"
    assert trailers == Trailer(1, ((b"t", b"v"),))
    assert end == End(1)


def test_a_flood_of_continuations_comes_out_as_it_was_sent(client):
    data = client.headers(1)
    data += ContinuationFrame(1, b"\0" * 16000).serialize() * 3
    found = read(data)
    assert found.count(Unread()) == 1
    assert sum(len(one.data) for one in found if isinstance(one, Rest)) >= MAX_BLOCK


def test_a_header_bomb_is_bounded(client):
    client.encoder.encode([("x", "y" * 4000)])
    bomb = client.encoder.encode([("x", "y" * 4000)] * 5000)
    assert len(bomb) < 6000
    frame = HeadersFrame(1, bomb)
    frame.flags.add("END_HEADERS")
    found = read(frame.serialize())
    assert (
        sum(len(n) + len(v) for one in found if isinstance(one, Request) for n, v in one.headers)
        < 70_000
    )
    assert Unread() in found


def test_a_block_that_cannot_be_decoded_is_told():
    frame = HeadersFrame(1, b"\x40\xff\xff\xff\xff")
    frame.flags.add("END_HEADERS")
    assert read(frame.serialize()) == [Rest(frame.data), Unread()]


@pytest.mark.parametrize(
    "frame",
    [
        b"\x00\x00\x05\x00\x08\x00\x00\x00\x01\xff\x00\x00\x00\x00",  # padding beyond the frame
        b"\x00\x00\x01\x01\x04\x00\x00\x00\x01\xff",  # a header block that is cut
        b"\x00\x00\x03\x01\x24\x00\x00\x00\x01\x00\x00\x00",  # a priority that is cut
    ],
)
def test_a_wrong_frame_comes_out_and_the_next_is_read(client, frame):
    found = read(frame + client.data(1, b"after"))
    assert isinstance(found[0], Rest)
    assert Body(1, b"after") in found


def test_what_can_be_no_frame_ends_the_reading(client):
    data = client.data(1, b"x") + b"not a frame at all, and what follows it"
    assert read(data)[-1] == Rest(b"not a frame at all, and what follows it")


def test_what_hides_in_padding_and_pings_comes_out(client):
    frame = bytearray(client.data(1, b"x", pad=10))
    frame[-10:] = b"in padding"
    found = read(bytes(frame) + PingFrame(0, b"8 bytes!").serialize())
    assert Rest(b"in padding") in found
    assert Rest(b"8 bytes!") in found


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    pieces=st.lists(
        st.binary(max_size=30)
        | st.sampled_from([PREFACE, Client().headers(1, "END_HEADERS"), Client().data(1, b"abc")]),
        max_size=8,
    ),
    flip=st.integers(0, 10_000),
)
def test_any_input_whatever(pieces, flip):
    data = bytearray(b"".join(pieces))
    if data:
        data[flip % len(data)] ^= 1 << flip % 8
    looks_like_http2(bytes(data))
    whole = read(bytes(data))
    cut = read(*(bytes(data[at : at + 1]) for at in range(len(data))))
    assert [one for one in whole if not isinstance(one, Rest)] == [
        one for one in cut if not isinstance(one, Rest)
    ]
