"""Bodies: codings undone within bounds, multipart split, and what claims to be what it is not."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.protocols import codings
from pytest_ato.protocols.body import BodyReader
from pytest_ato.protocols.messages import Request

TEXT = b"a secret among other words, " * 20


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def decode(coding, body, kind=b"", size=7):
    headers = ((b"content-encoding", coding), (b"content-type", kind))
    reader = BodyReader(Request(1, b"POST", b"/", b"", headers))
    pieces = [one for at in range(0, len(body), size) for one in reader.feed(body[at : at + size])]
    parts = {}
    for one in (*pieces, *reader.close()):
        parts.setdefault((one.part, one.undone), bytearray()).extend(one.data)
    return {key: bytes(value) for key, value in parts.items()}, reader.cut_short


@pytest.mark.parametrize(
    ("coding", "pack", "undone"),
    [
        (b"gzip", gzip.compress, ("gzip",)),
        (b"x-gzip", lambda data: gzip.compress(data) + gzip.compress(data), ("gzip",)),
        (b"deflate", zlib.compress, ("deflate",)),
        (b"deflate", raw_deflate, ("deflate",)),
        (b"BR", brotli.compress, ("brotli",)),
        (b"zstd", zstandard.compress, ("zstd",)),
        (b"gzip, br", lambda data: brotli.compress(gzip.compress(data)), ("brotli", "gzip")),
        (b"identity", bytes, ()),
    ],
)
def test_every_coding(coding, pack, undone):
    [(key, text)] = decode(coding, pack(TEXT))[0].items()
    assert key == (0, undone)
    assert text.startswith(TEXT)


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
def test_what_is_not_so_coded_comes_as_it_was_sent(coding):
    parts, _ = decode(coding, b"\xff\xfeplain text after all", size=1000)
    assert b"plain text after all" in b"".join(parts.values())


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        (b"gzip", lambda data: gzip.compress(data, 9)),
        (b"br", lambda data: brotli.compress(data, quality=1)),
        (b"zstd", zstandard.compress),
        (b"gzip, gzip", lambda data: gzip.compress(gzip.compress(data))),
    ],
)
def test_a_bomb_ends_at_the_bound(coding, pack, monkeypatch):
    monkeypatch.setattr(codings, "MAX_OUT", 1 << 20)
    monkeypatch.setattr(codings.decoder, "__defaults__", (1 << 20,))
    parts, cut_short = decode(coding, pack(bytes(32 << 20)), size=1 << 16)
    assert cut_short
    assert sum(map(len, parts.values())) <= 1 << 20


def test_ten_gigabytes_out_of_ten_megabytes_end_at_the_bound():
    packer = zlib.compressobj(9, wbits=-15)
    zeros = packer.compress(bytes(10 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    # Each block stands for itself, so the stream is as long as the block is repeated.
    bomb = zlib.compress(b"")[:2] + zeros * 1024
    assert len(bomb) <= 11 << 20
    parts, cut_short = decode(b"deflate", bomb, size=1 << 16)
    assert cut_short
    assert sum(map(len, parts.values())) == codings.MAX_OUT


FORM = (
    b'--XX\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\none\r\n'
    b"--XX\r\n\r\ntwo\r\nlines\r\n--XX--\r\nafter"
)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_form(size):
    parts, _ = decode(b"", FORM, b'multipart/form-data; boundary="XX"', size)
    texts = list(parts.values())
    assert texts[0].endswith(b"\r\n\r\none")
    assert texts[1:] == [b"two\r\nlines", b"after"]
    assert all(undone == ("multipart",) for _, undone in parts)


def test_a_compressed_form():
    kind = b"multipart/form-data; charset=x; boundary=XX"
    parts, _ = decode(b"gzip", gzip.compress(FORM), kind)
    assert (1, ("gzip", "multipart")) in parts


def test_a_flood_of_parts_is_bounded_and_whole():
    body = b"".join(b"--B\r\n\r\n%d\r\n" % n for n in range(1000))
    parts, _ = decode(b"", body, b"multipart/mixed; boundary=B", 1000)
    assert len(parts) < 300
    assert b"999" in b"".join(parts.values())


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    coding=st.sampled_from([b"gzip", b"deflate", b"br", b"zstd", b"gzip, br", b"", b",,,"]),
    kind=st.sampled_from([b"", b"multipart/x; boundary=B", b"multipart/; boundary="]),
    pieces=st.lists(
        st.binary(max_size=40)
        | st.sampled_from([gzip.compress(TEXT), FORM, b"--B\r\n", b"--B--", b"\r\n\r\n", b"\n"]),
        max_size=6,
    ),
)
def test_any_input_whatever(coding, kind, pieces):
    decode(coding, b"".join(pieces), kind, 11)
