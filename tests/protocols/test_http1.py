"""HTTP/1: what lenient servers would read, in pieces of any size, and hostile heads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.protocols.http1 import MAX_HEAD, MAX_HEADERS, Http1, looks_like_http1
from pytest_ato.protocols.messages import Body, End, Request, Rest, Trailer

CHUNKED = (
    b"POST /a?b=c HTTP/1.1\r\nHost: x.example\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;x=y\r\nhello\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n"
)
LENGTH = b"PUT /x HTTP/1.0\nContent-Length: 4\n\nbodyGET http://y.example/z HTTP/1.1\r\n\r\n"


def read(*pieces):
    parser = Http1()
    return [message for piece in pieces for message in parser.feed(piece)] + parser.close()


def body(messages):
    return b"".join(one.data for one in messages if isinstance(one, Body))


def rest(messages):
    return b"".join(one.data for one in messages if isinstance(one, Rest))


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_requests_in_pieces_of_any_size(size):
    data = CHUNKED + LENGTH
    found = read(*(data[at : at + size] for at in range(0, len(data), size)))
    heads = [one for one in found if isinstance(one, Request)]
    assert [(one.method, one.target, one.host) for one in heads] == [
        (b"POST", b"/a?b=c", b"x.example"),
        (b"PUT", b"/x", b""),
        (b"GET", b"http://y.example/z", b"y.example"),
    ]
    assert body(found) == b"helloabcbody"
    assert [one.headers for one in found if isinstance(one, Trailer)] == [((b"t", b"v"),)]
    assert [one.number for one in found if isinstance(one, End)] == [1, 2, 3]
    assert not rest(found)


@pytest.mark.parametrize("length", [b"99999999999999999", b"-1", b"1e9", b"9" * 5000, b"4, 4"])
def test_a_length_is_not_trusted(length):
    found = read(b"POST / HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\nabcd")
    assert body(found) + rest(found) == b"abcd"


def test_what_is_no_http_comes_back():
    for data in (b"\x16\x03\x01\x02", b"EHLO a\r\nMAIL FROM:<b>\r\n", b"GET / HTT"):
        assert read(data) == [Rest(data)]


def test_after_an_upgrade_and_in_a_tunnel_other_things_are_spoken():
    parser = Http1()
    found = parser.feed(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01")
    assert isinstance(found[0], Request)
    assert found[-1] == Rest(b"\x16\x03\x01")
    assert parser.upgraded == b"tunnel"
    parser = Http1()
    parser.feed(b"GET / HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\n")
    assert parser.upgraded == b"websocket"


def test_a_flood_of_headers_is_bounded_and_nothing_of_it_is_dropped():
    lines = [b"h%d: v%d" % (n, n) for n in range(2000)]
    found = read(b"GET / HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\n")
    assert len(found[0].headers) == MAX_HEADERS
    assert b"v1999" in rest(found)


def test_a_head_that_is_too_long_is_none():
    data = b"GET / HTTP/1.1\r\nx: " + b"y" * MAX_HEAD
    assert rest(read(*(data[at : at + 100] for at in range(0, len(data), 100)))) == data
    assert looks_like_http1(b"G" * (MAX_HEAD + 1)) is False


@pytest.mark.parametrize("filling", [b" ", b"a ", b" HTTP/1."])
def test_a_line_is_read_once_whatever_is_in_it(filling):
    """A search that came back to each blank of it would go on for days."""
    data = b"GET" + filling * (MAX_HEAD // 2 // len(filling)) + b"\n"
    assert looks_like_http1(data) is False
    assert read(data) == [Rest(data)]


def test_a_broken_chunk_ends_the_body():
    found = read(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\nsecret")
    assert body(found) == b"abc"
    assert rest(found) == b"zz\r\nsecret"


PIECES = st.lists(
    st.binary(max_size=40)
    | st.sampled_from([CHUNKED, LENGTH, b"\r\n", b"\n", b"0\r\n\r\n", b"ffffffff\r\n", b"GET / "]),
    max_size=8,
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(pieces=PIECES)
def test_any_input_whatever(pieces):
    """Cut or whole, it is read the same; no byte of a body or of the rest is made up."""
    data = b"".join(pieces)
    whole = read(data)
    cut = read(*(data[at : at + 1] for at in range(len(data))))
    assert (body(whole), rest(whole)) == (body(cut), rest(cut))
    assert len(body(whole)) + len(rest(whole)) <= len(data) + 4
