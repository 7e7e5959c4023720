"""Bombs and floods cost a bounded amount, and a bound that was reached is told."""

from __future__ import annotations

import base64
import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from pytest_ato.honeytokens.decompress import MAX_UNPACKED, unpack
from pytest_ato.honeytokens.match import Matcher
from pytest_ato.honeytokens.mint import Minted
from pytest_ato.honeytokens.region import MAX_DECODED

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "brotli": lambda data: brotli.compress(data, quality=1),
    "zstd": zstandard.compress,
}
BOMB = bytes(64 << 20)


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_is_unpacked_to_the_bound_and_no_further(name: str) -> None:
    packed = PACKERS[name](BOMB)
    contents = [content for found, _, _, content in unpack(packed, MAX_DECODED) if found == name]
    assert len(contents[0]) == MAX_UNPACKED
    assert all(len(content) <= MAX_UNPACKED for content in contents)


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_takes_bounded_memory(matcher: Matcher, name: str) -> None:
    bomb = base64.b64encode(gzip.compress(PACKERS[name](BOMB)))
    tracemalloc.start()
    try:
        assert matcher.scan(bomb) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MAX_DECODED


def test_what_was_before_the_damage_counts(matcher: Matcher, planted: Minted) -> None:
    secret = planted.env["GITHUB_TOKEN"].encode()
    for name, pack in PACKERS.items():
        packed = pack(secret + bytes(range(256)) * 300)
        assert matcher.scan(packed[: len(packed) - 12]), name
        assert matcher.scan(packed + b"trailing"), name


def test_a_bound_that_was_reached_is_told(matcher: Matcher) -> None:
    stream = matcher.stream()
    stream.feed(b"harmless words in a line")
    stream.close()
    assert not stream.cut_short
    stream = matcher.stream()
    stream.feed(b"".join(gzip.compress(bytes(4 << 20)) for _ in range(8)))
    stream.close()
    assert stream.cut_short


@pytest.mark.parametrize("name", PACKERS)
def test_what_lies_behind_a_bomb_is_told_as_not_searched(matcher: Matcher, name: str) -> None:
    stream = matcher.stream()
    stream.feed(PACKERS[name](BOMB))
    stream.close()
    assert stream.cut_short


def test_more_runs_than_the_bound_are_told_and_the_longest_decoded(
    matcher: Matcher, planted: Minted
) -> None:
    secret = base64.b64encode(gzip.compress(planted.env["GITHUB_TOKEN"].encode()))
    stream = matcher.stream()
    stream.feed(b"abcdefghijklmnopqrst " * 6000 + secret)
    assert [hit.encodings for hit in stream.close()] == [("base64", "gzip")]
    assert stream.cut_short


def test_a_stream_keeps_a_bounded_window(matcher: Matcher) -> None:
    stream = matcher.stream()
    tracemalloc.start()
    try:
        for _ in range(60):
            stream.feed(b"some plain text, " * 10_000)
        current, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert current < 3 << 20
