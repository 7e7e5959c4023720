"""ELF files made by hand: one executable segment, and behind it what a test puts there."""

from __future__ import annotations

import struct

BASE = 0x400000
CODE = 0x1000
"""Where the code lies in the file."""
CODE_SIZE = 0x1000
_SECTION = struct.Struct("<IIQQQQIIQQ")


def elf(code: bytes, tail: bytes = b"", sections: bytes = b"", **header: int) -> bytes:
    """A file with `code` at `BASE + CODE` of memory; `tail` follows at offset 0x2000, then the
    section headers."""
    sections_at = CODE + CODE_SIZE + len(tail)
    head = struct.pack(
        "<4s5B7xHHIQQQIHHHHHH",
        b"\x7fELF",
        *(2, 1, 1, 0, 0),
        *(2, header.get("machine", 62), 1, BASE + CODE),
        *(64, header.get("shoff", sections_at), 0, 64, 56, 1, 64),
        *(header.get("shnum", len(sections) // 64), 0),
    )
    size = CODE + CODE_SIZE + len(tail)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 0x1000)
    body = (head + segment).ljust(CODE, b"\0") + code.ljust(CODE_SIZE, b"\xcc")
    return body + tail + sections


def with_symbols(code: bytes, symbols: list[tuple[str, int, int]]) -> bytes:
    """A file with local symbols: name, offset in the code, size."""
    strings = b"\0" + b"".join(name.encode() + b"\0" for name, _, _ in symbols)
    entries = bytes(24)
    at = 1
    for name, offset, size in symbols:
        entries += struct.pack("<IBBHQQ", at, 2, 0, 1, BASE + CODE + offset, size)
        at += len(name) + 1
    start = CODE + CODE_SIZE
    sections = (
        bytes(64)
        + _SECTION.pack(0, 2, 0, 0, start, len(entries), 2, 0, 8, 24)
        + _SECTION.pack(0, 3, 0, 0, start + len(entries), len(strings), 0, 0, 1, 0)
    )
    return elf(code, entries + strings, sections)
