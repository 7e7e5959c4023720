"""The stream from the proxy: whole frames in any pieces, and nothing else."""

from __future__ import annotations

import json
import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.capture.proxy.inside import frames
from pytest_ato.capture.proxy.inside.frames import Frame, Hello, MalformedFrame, Reader, encode

KINDS = st.sampled_from([bytes([kind]) for kind in frames._KINDS])
NUMBERS = st.integers(0, 2**32 - 1)
FRAMES = st.lists(st.builds(Frame, KINDS, NUMBERS, st.binary(max_size=300)), max_size=6)
LATIN = st.text(st.characters(max_codepoint=0xFF), max_size=40)
HELLOS = st.builds(Hello, LATIN, LATIN, st.lists(LATIN, max_size=4).map(tuple), LATIN, LATIN)


def written(sent: list[Frame]) -> bytes:
    return b"".join(encode(frame.kind, frame.number, frame.payload) for frame in sent)


@settings(max_examples=60, derandomize=True)
@given(FRAMES, st.integers(1, 40))
def test_frames_come_whole_in_whatever_pieces(sent: list[Frame], step: int) -> None:
    stream, reader = written(sent), Reader()
    pieces = (stream[at : at + step] for at in range(0, len(stream), step))
    assert [frame for piece in pieces for frame in reader.feed(piece)] == sent


@settings(max_examples=60, derandomize=True)
@given(FRAMES, st.data())
def test_a_stream_that_is_cut_gives_what_was_whole(sent: list[Frame], data: st.DataObject) -> None:
    stream = written(sent)
    cut = data.draw(st.integers(0, len(stream)))
    got = list(Reader().feed(stream[:cut]))
    assert got == sent[: len(got)]
    assert len(written(got)) <= cut


@settings(max_examples=150, derandomize=True)
@given(st.lists(st.binary(max_size=64), max_size=8))
def test_any_bytes_are_frames_or_refused_and_memory_is_bounded(pieces: list[bytes]) -> None:
    reader = Reader()
    with suppress(MalformedFrame):
        for piece in pieces:
            assert all(frame.kind in frames._KINDS for frame in reader.feed(piece))
    assert len(reader._buffer) <= frames.LONGEST + sum(map(len, pieces))


def test_what_is_longer_than_a_frame_becomes_several() -> None:
    payload = bytes(range(256)) * (2 * frames.LONGEST // 256) + b"rest"
    got = list(Reader().feed(encode(frames.OUT, 7, payload)))
    assert [len(frame.payload) for frame in got] == [frames.LONGEST, frames.LONGEST, 4]
    assert b"".join(frame.payload for frame in got) == payload
    assert {(frame.kind, frame.number) for frame in got} == {(frames.OUT, 7)}


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(struct.pack("!cII", b"?", 0, 0), id="unknown kind"),
        pytest.param(struct.pack("!cII", frames.OUT, 0, frames.LONGEST + 1), id="too long"),
        pytest.param(struct.pack("!cII", frames.OUT, 0, 2**32 - 1), id="four gigabytes"),
    ],
)
def test_a_head_that_cannot_be_is_refused_before_its_payload_comes(head: bytes) -> None:
    good = encode(frames.READY, 0)
    reader = Reader()
    with pytest.raises(MalformedFrame):
        list(reader.feed(good + head))


@settings(max_examples=60, derandomize=True)
@given(HELLOS)
def test_a_handshake_survives_whatever_bytes_the_client_named(hello: Hello) -> None:
    assert Hello.decode(hello.encode()) == hello


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"outcome": "x"}',
        b'{"alpn": []}',
        b'{"outcome": "x", "alpn": 5}',
        b'{"outcome": "x", "alpn": [1]}',
        b'{"outcome": 1, "alpn": []}',
        b'{"outcome": "x", "alpn": [], "more": ""}',
        '{"outcome": "Ā", "alpn": []}'.encode(),
        b'{"outcome": "\\ud800", "alpn": []}',
    ],
)
def test_what_is_no_handshake_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedFrame, match="not a handshake"):
        Hello.decode(payload)


@settings(max_examples=150, derandomize=True)
@given(
    st.binary(max_size=80)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["outcome", "alpn", "sni", "x"]), inner, max_size=4)
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_payload_is_a_handshake_or_refused(payload: bytes) -> None:
    with suppress(MalformedFrame):
        assert isinstance(Hello.decode(payload), Hello)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(MalformedFrame):
        Hello.decode(b"[" * frames.LONGEST)
