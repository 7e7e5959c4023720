"""Compressed data inside other data, unpacked as far as it goes and no further than a bound.

Hostile input: garbage, truncation, trailing bytes and bombs give what could be unpacked, or
nothing; never an error. Which bytes are tried is decided by each format's magic number, or, for
the two that have none, by where a message's body begins.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import brotli  # type: ignore[import-untyped]
import zstandard

MAX_UNPACKED: Final = 4 << 20
"""Bytes that one compressed region may unpack to; the rest is not looked at."""
MAX_TRIES: Final = 64
"""Places at which one magic number is tried."""
MAX_BODIES: Final = 8
"""Places at which a format without a magic number is tried."""

_PIECE: Final = 16 << 10
_BROTLI_PIECE: Final = 4 << 10
_LEAST: Final = 6
"""Bytes in which no format can say sixteen digits, the least that a needle is: what is damaged
within them holds none."""
_ZSTD_WINDOW: Final = 8 << 20

Unpacked: TypeAlias = tuple[str, int, int, bytes]
"""Name of the format, start and stop in the outer data, content."""
_Unpacker: TypeAlias = Callable[[memoryview, int], bytes]


def unpack(data: bytes, limit: int) -> Iterator[Unpacked]:
    """Find compressed regions in `data`, and unpack each to at most `limit` bytes.

    gzip, zlib and zstd are found anywhere; raw deflate and brotli at the beginning and after an
    empty line.
    """
    limit = min(limit, MAX_UNPACKED)
    view = memoryview(data)
    if _ANY_MAGIC.search(data):  # seldom, and one look is cheaper than six
        for name, magic, unpacker in _MAGICS:
            yield from _try(name, view, _places(data, magic, MAX_TRIES), unpacker, limit)
    bodies = [0, *(at + 4 for at in _places(data, b"\r\n\r\n", MAX_BODIES))]
    for name, unpacker in (("deflate", _raw_deflate), ("brotli", _brotli)):
        yield from _try(name, view, iter(bodies), unpacker, limit)


def _try(
    name: str, view: memoryview, places: Iterator[int], unpacker: _Unpacker, limit: int
) -> Iterator[Unpacked]:
    for start in places:
        content = unpacker(view[start:], limit)
        if content:
            yield name, start, len(view), content


def _places(data: bytes, magic: bytes, most: int) -> Iterator[int]:
    at = data.find(magic)
    while at >= 0 and most:
        yield at
        most -= 1
        at = data.find(magic, at + 1)


def _inflate(view: memoryview, limit: int, wbits: int) -> bytes:
    inflater = zlib.decompressobj(wbits)
    out = bytearray()
    try:
        for at in range(0, len(view), _PIECE):
            out += inflater.decompress(view[at : at + _PIECE], limit - len(out))
            if inflater.eof or len(out) >= limit:
                break
    except zlib.error:
        pass  # what came before the damage counts
    return bytes(out)


def _gzip_or_zlib(view: memoryview, limit: int) -> bytes:
    return _inflate(view, limit, 32 + zlib.MAX_WBITS)


def _raw_deflate(view: memoryview, limit: int) -> bytes:
    return _inflate(view, limit, -zlib.MAX_WBITS)


def _brotli(view: memoryview, limit: int) -> bytes:
    try:
        brotli.Decompressor().process(bytes(view[:_LEAST]))
    except brotli.error:
        return b""  # as nearly all that is not brotli
    content, taken, damaged = _brotli_until(view, limit, len(view))
    if damaged:
        # The library gives nothing of the piece in which it fails, trailing bytes included.
        content, _, _ = _brotli_until(view, limit, max(taken, _LEAST))
    return content


def _brotli_until(view: memoryview, limit: int, single: int) -> tuple[bytes, int, bool]:
    """Unpack in pieces, from `single` on in bytes; return content, bytes taken, if damaged."""
    decompressor = brotli.Decompressor()
    out = bytearray()
    at = 0
    try:
        while at < len(view) and len(out) < limit and not decompressor.is_finished():
            step = 1 if at >= single else min(_BROTLI_PIECE, single - at)
            piece = bytes(view[at : at + step])
            out += decompressor.process(piece, output_buffer_limit=limit - len(out))
            at += step
    except brotli.error:
        return bytes(out[:limit]), at, True
    return bytes(out[:limit]), at, False


def _zstd(view: memoryview, limit: int) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    out = bytearray()
    try:
        with decompressor.stream_reader(view, read_size=_PIECE) as reader:
            while len(out) < limit:
                piece = reader.read(min(_PIECE, limit - len(out)))
                if not piece:
                    break
                out += piece
    except zstandard.ZstdError:
        pass
    return bytes(out)


_MAGICS: Final[tuple[tuple[str, bytes, _Unpacker], ...]] = (
    ("gzip", b"\x1f\x8b\x08", _gzip_or_zlib),
    ("zstd", b"\x28\xb5\x2f\xfd", _zstd),
    *(
        ("deflate", b"\x78" + level, _gzip_or_zlib)
        for level in (b"\x01", b"\x5e", b"\x9c", b"\xda")
    ),
)
_ANY_MAGIC: Final = re.compile(b"|".join(re.escape(magic) for _, magic, _ in _MAGICS))
