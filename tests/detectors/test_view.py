"""One direction of a connection: read the same however it is cut, and no byte sent is lost."""

from __future__ import annotations

import gzip
from collections import defaultdict

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_ato.detectors.traffic import Exchange, Payload
from pytest_ato.detectors.view import MAX_INSIDE, Numbers, Place, View

PLACE = Place(1, "api.vendor.example:443", "198.18.0.7", 443, None, "tls", ("tls",))
H1 = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = b"POST /b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
PACKED = gzip.compress(b"hello " * 50)
GZIP = b"POST /c HTTP/1.1\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(PACKED)
UPGRADE = b"GET /d HTTP/1.1\r\nupgrade: websocket\r\n\r\n"
FRAME = b"\x81\x85\0\0\0\0hello"
H2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
DATA = bytes.fromhex("000005000100000001") + b"hello"

_GRAMMAR = [
    H1,
    CHUNKED,
    GZIP + PACKED,
    UPGRADE,
    FRAME,
    H2,
    DATA,
    b"\r\n",
    b"CONNECT x HTTP/1.1\n\n",
]
_STREAMS = st.lists(st.sampled_from(_GRAMMAR) | st.binary(max_size=30), max_size=6).map(b"".join)


def read(data: bytes, size: int) -> tuple[dict[tuple[tuple[str, ...], int], bytes], int]:
    """Texts by path and by which of its kind it is; and how many requests there were."""
    view = View(PLACE, Numbers())
    seen = [
        event for at in range(0, len(data), size) for event in view.feed(data[at : at + size], 1)
    ]
    seen += view.close(2)
    texts: dict[tuple[str, ...], dict[int, bytes]] = defaultdict(dict)
    for event in seen:
        if isinstance(event, Payload):
            known = texts[event.path].get(event.part, b"")
            texts[event.path][event.part] = known + event.data
    requests = sum(isinstance(event, Exchange) for event in seen)
    named = {(path, n): text for path in texts for n, text in enumerate(texts[path].values())}
    return {key: text for key, text in named.items() if text}, requests


@settings(max_examples=80, derandomize=True)
@given(data=_STREAMS, size=st.integers(1, 40))
@example(data=UPGRADE + FRAME, size=1)
@example(data=H2 + DATA, size=3)
@example(data=b"\r\n" + GZIP + PACKED, size=1)
def test_it_is_read_the_same_however_it_is_cut(data: bytes, size: int) -> None:
    assert read(data, size) == read(data, max(1, len(data)))


@settings(max_examples=40, derandomize=True)
@given(data=st.binary(max_size=200))
def test_what_is_no_protocol_comes_out_whole(data: bytes) -> None:
    texts, requests = read(b"\x00" + data, 7)
    assert requests == 0
    assert b"".join(texts.values()) == b"\x00" + data


def test_tunnels_in_tunnels_are_bounded_and_nothing_of_them_is_dropped() -> None:
    texts, requests = read(b"CONNECT x HTTP/1.1\n\n" * 2000 + b"secret", 5000)
    assert requests == MAX_INSIDE + 1
    assert any(text.endswith(b"secret") for text in texts.values())


def test_a_protocol_within_another() -> None:
    texts, requests = read(UPGRADE + FRAME, 4)
    assert requests == 1
    assert texts[("tls", "websocket"), 0] == b"hello"
    texts, _ = read(GZIP + PACKED, 11)
    assert texts[("tls", "http body", "gzip"), 0] == b"hello " * 50
