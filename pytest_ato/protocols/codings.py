"""Content codings of HTTP, undone piece by piece and no further than a bound.

Owns the decoders for gzip, deflate, br and zstd. Hostile input: what is not in the coding that it
claims to be in is given back as it came from there on, a bomb ends at the bound, and nothing
raises. `honeytokens.decompress` finds compressed data where nothing says that it is there; this
module is told.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final, Protocol

import brotli  # type: ignore[import-untyped]
import zstandard

MAX_OUT: Final = 16 << 20
"""Bytes that one body may decode to; what follows is not looked at."""

_BROTLI_STEP: Final = 4 << 10
_ZSTD_STEP: Final = 256
"""Bytes given to the decoder at a time: it has no bound on what it gives, at most 128 KiB for
every four bytes."""
_ZSTD_WINDOW: Final = 8 << 20
_ERRORS: Final = (zlib.error, brotli.error, zstandard.ZstdError)


class _Engine(Protocol):
    """One decoder: bytes in, bytes out, never much more than `room` of them."""

    def decode(self, data: bytes, room: int) -> bytes:
        """Take the next bytes; raises one of `_ERRORS`."""


class Decoder:
    """Undoes one coding."""

    def __init__(self, name: str, engine: Callable[[], _Engine], limit: int) -> None:
        self.name = name
        self._engine = engine()
        self._room = limit
        self.damaged = False
        """What comes out from now on is as it came in."""

    @property
    def cut_short(self) -> bool:
        """Whether the bound was reached, so that something may be missing."""
        return self._room <= 0

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the coded body; return what they decode to."""
        if self.damaged:
            return data
        if self._room <= 0:
            return b""
        try:
            out = self._engine.decode(data, self._room)
        except _ERRORS:
            self.damaged = True
            return data
        out = out[: self._room]
        self._room -= len(out)
        return out


def decoder(coding: str, limit: int = MAX_OUT) -> Decoder | None:
    """A decoder for a token of Content-Encoding (RFC 9110, 8.4.1); None for one that is not known,
    ``identity`` among them."""
    name, engine = _ENGINES.get(coding.strip().lower(), ("", None))
    return Decoder(name, engine, limit) if engine else None


class _Inflate:
    """gzip, zlib, or raw deflate where the first bytes are no zlib header; members in a row."""

    def __init__(self) -> None:
        self._start = b""
        self._inflater: zlib._Decompress | None = None

    def decode(self, data: bytes, room: int) -> bytes:
        if self._inflater is None:
            self._start += data
            if len(self._start) < 2:
                return b""
            data, self._start = self._start, b""
            self._inflater = zlib.decompressobj(_window_bits(data))
        out = bytearray()
        while data and len(out) < room:
            out += self._inflater.decompress(data, room - len(out))
            data = self._inflater.unconsumed_tail
            if self._inflater.eof:
                data = self._inflater.unused_data
                if data[:2] != b"\x1f\x8b":  # trailing bytes that nothing reads
                    break
                self._inflater = zlib.decompressobj(32 + zlib.MAX_WBITS)
        return bytes(out)


class _Brotli:
    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    def decode(self, data: bytes, room: int) -> bytes:
        out = bytearray()
        for at in range(0, len(data), _BROTLI_STEP):
            if len(out) >= room or self._decompressor.is_finished():
                break
            piece = data[at : at + _BROTLI_STEP]
            out += self._decompressor.process(piece, output_buffer_limit=room - len(out))
        return bytes(out)


class _Zstd:
    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._frame = self._decompressor.decompressobj()

    def decode(self, data: bytes, room: int) -> bytes:
        out = bytearray()
        for at in range(0, len(data), _ZSTD_STEP):
            if len(out) >= room:
                break
            if self._frame.eof:
                self._frame = self._decompressor.decompressobj()
            out += self._frame.decompress(data[at : at + _ZSTD_STEP])
        return bytes(out)


def _window_bits(data: bytes) -> int:
    is_gzip = data[:2] == b"\x1f\x8b"
    is_zlib = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
    return 32 + zlib.MAX_WBITS if is_gzip or is_zlib else -zlib.MAX_WBITS


_ENGINES: Final[dict[str, tuple[str, Callable[[], _Engine]]]] = {
    "gzip": ("gzip", _Inflate),
    "x-gzip": ("gzip", _Inflate),
    "deflate": ("deflate", _Inflate),
    "br": ("brotli", _Brotli),
    "zstd": ("zstd", _Zstd),
}
