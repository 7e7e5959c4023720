"""A marker is found in each encoding, in stacks of them, however it is cut; chance is not."""

from __future__ import annotations

import base64
import codecs
import gzip
import itertools
import json
import random
import urllib.parse
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_ato.honeytokens.match import STREAM_OVERLAP, STREAM_WINDOW, Matcher
from pytest_ato.honeytokens.mint import Minted, mint
from pytest_ato.model.events import Honeytoken

Encode = Callable[[bytes], bytes]


def labels(text: bytes) -> bytes:
    return b".".join(text[at : at + 60] for at in range(0, len(text), 60)) + b".c2.invalid"


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def json_escaped(data: bytes) -> bytes:
    return "".join(f"\\u{byte:04x}" for byte in data).encode()


BINARY: dict[str, Encode] = {
    "base64": base64.b64encode,
    "base64 shifted by one": lambda data: base64.b64encode(b"{" + data),
    "base64 shifted by two": lambda data: base64.b64encode(b"a=" + data),
    "base64 in lines": base64.encodebytes,
    "base64url": base64.urlsafe_b64encode,
    "base64url without padding": lambda data: base64.urlsafe_b64encode(data).rstrip(b"="),
    "base32": base64.b32encode,
    "base32 lower, no padding": lambda data: base64.b32encode(data).rstrip(b"=").lower(),
    "base32 shifted": lambda data: base64.b32encode(b"abc" + data),
    "hex": lambda data: data.hex().encode(),
    "HEX": lambda data: data.hex().upper().encode(),
    "hex in lines": lambda data: b"\n".join(
        data[at : at + 15].hex().encode() for at in range(0, len(data), 15)
    ),
    "url": lambda data: "".join(f"%{byte:02x}" for byte in data).encode(),
    "URL": lambda data: "".join(f"%{byte:02X}" for byte in data).encode(),
    "url as browsers do": lambda data: urllib.parse.quote_from_bytes(data, safe="").encode(),
    "reversed": lambda data: data[::-1],
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "deflate": raw_deflate,
    "brotli": brotli.compress,
    "zstd": zstandard.compress,
}
TEXT: dict[str, Encode] = {
    "utf-16-le": lambda data: data.decode().encode("utf-16-le"),
    "utf-16-be": lambda data: data.decode().encode("utf-16-be"),
    "utf-16 with mark": lambda data: data.decode().encode("utf-16"),
    "json": json_escaped,
    "json string": lambda data: json.dumps(data.decode()).replace("/", "\\/").encode(),
    "dns": lambda data: labels(data.rstrip(b"=")),
}
ENCODINGS = BINARY | TEXT
COMPRESSED = {"gzip", "zlib", "deflate", "brotli", "zstd"}
NO_NAME = COMPRESSED | {"url", "URL", "url as browsers do", "json", "json string"}
"""What does not give the letters that a DNS name is made of."""


def applies(outer: str, inner: str) -> bool:
    """Whether `outer` is defined on what `inner` gives: text encodings need text, and what has no
    magic number must begin where the outer encoding begins."""
    if outer == "dns":
        return (
            inner not in NO_NAME and not inner.startswith(("utf", "dns")) and "lines" not in inner
        )
    if outer in TEXT and (inner in COMPRESSED or inner.startswith("utf")):
        return False
    return not (inner in ("deflate", "brotli") and "shifted" in outer)


STACKS = [pair for pair in itertools.product(ENCODINGS, repeat=2) if applies(*pair)]


def secrets_of(planted: Minted) -> list[tuple[str, bytes]]:
    """Marker and a line of it, whole."""
    return [
        (name, value.split("\n")[0].encode())
        for token in planted.honeytokens
        for name, value in token.markers.items()
    ]


def names(matcher: Matcher, data: bytes) -> set[str]:
    return {hit.marker for hit in matcher.scan(data)}


def test_raw(matcher: Matcher, planted: Minted) -> None:
    for token in planted.honeytokens:
        for name, value in token.markers.items():
            (hit,) = matcher.scan(b"POST / " + value.encode())
            assert (hit.marker, hit.carrier, hit.family) == (name, token.name, token.family)
            assert hit.encodings == ("raw",)
            assert 7 <= hit.offset < 7 + 192 + 16 * 60


@pytest.mark.parametrize("name", [name for name in ENCODINGS if name != "dns"])
def test_each_encoding_of_each_marker(matcher: Matcher, planted: Minted, name: str) -> None:
    for marker, secret in secrets_of(planted):
        data = ENCODINGS[name](secret)
        assert names(matcher, data) == {marker}, (marker, data)


@pytest.mark.parametrize("name", [n for n in ENCODINGS if n not in ("deflate", "brotli", "dns")])
def test_each_encoding_in_the_middle_of_other_data(
    matcher: Matcher, planted: Minted, name: str
) -> None:
    for marker, secret in secrets_of(planted):
        data = b'{"id": 7, "k": "' + ENCODINGS[name](secret) + b'", "z": "abc"}'
        assert names(matcher, data) == {marker}


@pytest.mark.parametrize("name", ["deflate", "brotli"])
def test_formats_without_a_magic_number_after_a_header(
    matcher: Matcher, planted: Minted, name: str
) -> None:
    marker, secret = secrets_of(planted)[3]
    request = b"POST / HTTP/1.1\r\nContent-Encoding: x\r\n\r\n" + ENCODINGS[name](secret)
    assert names(matcher, request) == {marker}


@pytest.mark.parametrize(("outer", "inner"), STACKS)
def test_stacks_of_two(matcher: Matcher, planted: Minted, outer: str, inner: str) -> None:
    secrets = dict(secrets_of(planted))
    for marker in ("aws_secret_access_key", "github_token"):
        secret = b"key=" + secrets[marker]
        if outer == "dns" or inner == "dns":
            secret = secret.replace(b"/", b"_").replace(b"+", b"-").replace(b"=", b"")
            if marker == "aws_secret_access_key":
                continue
        data = ENCODINGS[outer](ENCODINGS[inner](secret))
        assert names(matcher, data) == {marker}, data


@pytest.mark.parametrize(
    "stack",
    [
        ("base64", "gzip", "base64"),
        ("json string", "base64", "zlib"),
        ("url as browsers do", "base64", "reversed"),
        ("hex", "zstd", "hex"),
        ("gzip", "brotli", "base32"),
    ],
)
def test_stacks_of_three(matcher: Matcher, planted: Minted, stack: tuple[str, ...]) -> None:
    marker, data = secrets_of(planted)[0]
    for name in reversed(stack):
        data = ENCODINGS[name](data)
    assert names(matcher, data) == {marker}


def test_layers_are_named_outermost_first(matcher: Matcher, planted: Minted) -> None:
    _, secret = secrets_of(planted)[0]
    (hit,) = matcher.scan(b"x" * 9 + gzip.compress(base64.b64encode(secret)))
    assert (hit.encodings, hit.offset) == (("gzip", "base64"), 9)


def test_whole_files_are_found_packed(matcher: Matcher, planted: Minted) -> None:
    for token in planted.honeytokens:
        for plant in planted.plants:
            if plant.path == token.path:
                packed = base64.b64encode(gzip.compress(plant.content))
                assert names(matcher, packed) == set(token.markers)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_split_over_feeds(matcher: Matcher, planted: Minted, data: st.DataObject) -> None:
    marker, secret = data.draw(st.sampled_from(secrets_of(planted)))
    name = data.draw(st.sampled_from([n for n in ENCODINGS if n != "dns"]))
    whole = data.draw(st.binary(max_size=40)) + b"\r\n\r\n" + ENCODINGS[name](secret)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=30)))
    stream = matcher.stream()
    hits = []
    for start, stop in itertools.pairwise((0, *cuts, len(whole))):
        hits += stream.feed(whole[start:stop])
    hits += stream.close()
    assert marker in {hit.marker for hit in hits}


@pytest.mark.parametrize("name", ["base64", "gzip", "json"])
def test_a_value_across_the_windows_of_a_long_stream(
    matcher: Matcher, planted: Minted, name: str
) -> None:
    marker, secret = secrets_of(planted)[5]
    encoded = ENCODINGS[name](secret)
    for before in (STREAM_WINDOW - 20, STREAM_WINDOW + STREAM_OVERLAP - 20, 3 * STREAM_WINDOW):
        whole = b"word " * (before // 5) + encoded + b" word" * 1000
        stream = matcher.stream()
        hits = []
        for at in range(0, len(whole), 100_000):
            hits += stream.feed(whole[at : at + 100_000])
        hits += stream.close()
        assert [hit.marker for hit in hits] == [marker]
        assert before - 5 <= hits[0].offset <= before + len(encoded)


def test_offsets_are_those_of_the_stream(matcher: Matcher, planted: Minted) -> None:
    secret = planted.env["GITHUB_TOKEN"].encode()
    stream = matcher.stream()
    assert stream.feed(b"." * 100 + secret[:15]) == stream.feed(b"") == []
    (hit,) = stream.feed(secret[15:])
    assert hit.offset == 100 + len("ghp_")
    assert stream.close() == []


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(0, 5000))
@example(seed=1, size=1 << 20)
def test_random_data_is_not_found(matcher: Matcher, seed: int, size: int) -> None:
    data = random.Random(seed).randbytes(size)
    assert matcher.scan(data) == []
    assert matcher.spans(data) == []
    assert matcher.scan(base64.b64encode(data)) == []
    assert matcher.scan(data.hex().encode()) == []


SNIPPETS = [
    b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x78\x9c", b"\r\n\r\n", b"%4", b"%41", b"\\u00",
    b"\\ud800", b"\\", b"a\x00" * 20, b"A" * 40, b"ab" * 30, b"Z" * 30, b"=", b".", b"x.y." * 9,
    b"\n", b"-_" * 20, bytes(30), b"\x03www\x03abc\x00", gzip.compress(b"q" * 999)[:-5],
    brotli.compress(b"w" * 999), zstandard.compress(b"e" * 999)[:-3],
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(SNIPPETS)), max_size=30))
def test_garbage_never_raises(matcher: Matcher, parts: list[bytes]) -> None:
    data = b"".join(parts)
    assert matcher.scan(data) == []
    assert matcher.spans(data) == []
    assert matcher.scan_name(data) == []


@pytest.mark.parametrize("length", [30, 57, 63])
def test_names_carry_encoded_values(matcher: Matcher, planted: Minted, length: int) -> None:
    for marker, secret in secrets_of(planted):
        for encode in (BINARY["base32 lower, no padding"], BINARY["hex"], BINARY["base64url"]):
            text = encode(secret[-40:]).rstrip(b"=")
            cut = [text[at : at + length] for at in range(0, len(text), length)]
            hits = matcher.scan_name(b".".join((*cut, b"t", b"example", b"net")))
            assert {hit.marker for hit in hits} == {marker}
            assert hits[0].encodings[0] == "dns"


def test_names_in_mixed_case(matcher: Matcher, planted: Minted) -> None:
    source = random.Random(4)
    marker, secret = secrets_of(planted)[4]
    for encode in (BINARY["base32 lower, no padding"], BINARY["hex"]):
        text = "".join(source.choice((c, c.upper())) for c in encode(secret[:24]).decode())
        assert {h.marker for h in matcher.scan_name(f"{text}.net".encode())} == {marker}


def test_a_question_on_the_wire(matcher: Matcher, planted: Minted) -> None:
    marker, secret = secrets_of(planted)[4]
    name = base64.b32encode(secret[:24]).rstrip(b"=").lower()
    question = bytes([20]) + name[:20] + bytes([len(name) - 20]) + name[20:] + b"\x03net\x00"
    message = b"\x12\x34\x01\x00\x00\x01" + bytes(6) + question + b"\x00\x01\x00\x01"
    assert names(matcher, message) == {marker}
    assert names(matcher, len(message).to_bytes(2) + message) == {marker}


def test_a_fragment_of_31_bytes_is_enough(matcher: Matcher, planted: Minted) -> None:
    token = next(t for t in planted.honeytokens if t.name == "ssh_private_key")
    line = token.markers["ssh_private_key"].split("\n")[3].encode()
    for at in range(len(line) - 31):
        assert names(matcher, line[at : at + 31]) == {"ssh_private_key"}


def test_rot13_is_not_claimed(matcher: Matcher, planted: Minted) -> None:
    _, secret = secrets_of(planted)[4]
    assert matcher.scan(codecs.encode(secret.decode(), "rot13").encode()) == []


def test_one_letter_off_is_another_value(matcher: Matcher, planted: Minted) -> None:
    _, secret = secrets_of(planted)[4]
    changed = bytearray(secret)
    for at in range(8, len(changed), 12):
        changed[at] ^= 1
    assert matcher.scan(bytes(changed)) == []


def test_a_short_marker_is_refused_by_name() -> None:
    token = Honeytoken(ts=0, name="pin", family="pii", markers={"pin": "4711"})
    with pytest.raises(ValueError, match="pin"):
        Matcher([token])


def test_no_honeytokens_find_nothing() -> None:
    assert Matcher(()).scan(b"AKIA" * 100) == []


def test_another_mint_has_no_needle_of_this_one(matcher: Matcher, planted: Minted) -> None:
    from datetime import UTC, datetime

    other = Matcher(mint(now=datetime(2026, 3, 4, tzinfo=UTC)).honeytokens)
    for _, secret in secrets_of(planted):
        assert names(matcher, secret)
        assert not names(other, secret)
