"""The scriptlets of an rpm, out of its header: bytes in, scripts out, no I/O but reading the file.

The format is that of rpm 4 (docs/manual/format_v4 of rpm): a lead of 96 bytes, a signature, and a
header, both of these as an index of entries over a store of data. All of it is hostile; every
length is bounded, and what does not fit is a `ValueError`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

_LEAD: Final = 96
_MAGIC: Final = b"\x8e\xad\xe8\x01"
_START: Final = struct.Struct(">4s4xII")
_ENTRY: Final = struct.Struct(">IIII")
_ENTRIES: Final = 1 << 16
_STORE: Final = 64 << 20
_STRING, _STRING_ARRAY = 6, 8
_WORDS: Final = 64
_SCRIPTS: Final = {
    "pretrans": (1151, 1153),
    "pre": (1023, 1085),
    "post": (1024, 1086),
    "preun": (1025, 1087),
    "postun": (1026, 1088),
    "posttrans": (1152, 1154),
}
"""Name to the tags of text and interpreter, in the order of their running."""


@dataclass(frozen=True)
class Scriptlet:
    """One script of an rpm: by whom it is run, and its text, which may be empty."""

    interpreter: tuple[bytes, ...]
    text: bytes


def scriptlets(file: BinaryIO) -> dict[str, Scriptlet]:
    """Return the scriptlets by name (``post``); raises `ValueError` for what is no whole header."""
    file.seek(_LEAD)
    _, signature = _read(file)
    file.seek(-signature % 8, 1)
    header, _ = _read(file)
    found = {}
    for name, (text, program) in _SCRIPTS.items():
        if text in header or program in header:
            interpreter = tuple(header.get(program, [])) or (b"/bin/sh",)
            found[name] = Scriptlet(interpreter, b"".join(header.get(text, [])[:1]))
    return found


def _read(file: BinaryIO) -> tuple[dict[int, list[bytes]], int]:
    """Return the strings of a header that are wanted, by tag, and the size of its store."""
    magic, count, size = _START.unpack(_exactly(file, _START.size))
    if magic != _MAGIC or count > _ENTRIES or size > _STORE:
        raise ValueError("no header of an rpm")
    index = _exactly(file, count * _ENTRY.size)
    store = _exactly(file, size)
    wanted = {tag for tags in _SCRIPTS.values() for tag in tags}
    found: dict[int, list[bytes]] = {}
    for tag, kind, offset, words in _ENTRY.iter_unpack(index):
        if tag not in wanted:
            continue
        if tag in found or kind not in (_STRING, _STRING_ARRAY) or not 0 < words <= _WORDS:
            raise ValueError(f"tag {tag} of the rpm is not what it should be")
        found[tag] = _strings(store, offset, words)
    return found, size


def _strings(store: bytes, offset: int, count: int) -> list[bytes]:
    strings = []
    for _ in range(count):
        end = store.find(b"\0", offset)
        if end < 0:
            raise ValueError("a string of the rpm has no end")
        strings.append(store[offset:end])
        offset = end + 1
    return strings


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise ValueError("the rpm ends in its header")
    return data
