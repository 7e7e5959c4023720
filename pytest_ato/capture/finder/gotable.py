"""Functions by name in a Go program's own table (pclntab), which stripping leaves in place.

Owns the layouts of that table: of Go 1.2, 1.16, 1.18 and 1.20, which differ in their magic number.
It is found by its header, so it needs no section headers either.

Source: runtime/symtab.go and debug/gosym/pclntab.go of each version.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pytest_ato import elf
from pytest_ato.capture.finder.symbols import Image, Symbol

_GO_1_2, _GO_1_16, _GO_1_18, _GO_1_20 = 0xFFFFFFFB, 0xFFFFFFFA, 0xFFFFFFF0, 0xFFFFFFF1
_MAGICS: Final = (_GO_1_2, _GO_1_16, _GO_1_18, _GO_1_20)
_HEADER: Final = b"\xff\xff\xff\0\0\1\x08"
"""Of any of them, without its first byte: instructions of any length, pointers of eight bytes."""
_MAX_TABLES: Final = 64
_MAX_FUNCTIONS: Final = 4 << 20
_MAX_NAMES: Final = 8
_RELATIVE: Final = struct.pack("<Q", 8)
"""Type of a relocation that adds the load address (R_X86_64_RELATIVE)."""


@dataclass(frozen=True)
class _Table:
    """Where the parts of a table are, as offsets in the file."""

    start: int
    names: int
    functions: int
    """Of the index, from which entries of functions count too; up to 1.15, from `start`."""
    count: int
    index: str
    """`struct` code of the two words of an entry of the index."""
    base: int
    """Address that entries count from."""
    origin: int
    """What offsets of function records count from."""


def functions(image: Image, names: Iterable[str]) -> list[Symbol]:
    """Return the functions of these names, each with its size."""
    found: dict[tuple[str, int], Symbol] = {}
    for table in _tables(image):
        for name in names:
            for symbol in _named(image, table, name):
                found.setdefault((name, symbol.address), symbol)
    return list(found.values())


def _tables(image: Image) -> Iterator[_Table]:
    at = -1
    for _ in range(_MAX_TABLES):
        at = _find(image, _HEADER, at + 1)
        if at < 1:
            return
        magic = int.from_bytes(image.piece(at - 1, 4), "little")
        table = _table(image, at - 1, magic) if magic in _MAGICS else None
        if table is not None and 0 < table.count <= _MAX_FUNCTIONS:
            yield table


def _find(image: Image, wanted: bytes, start: int) -> int:
    """Where the file has these bytes, from `start` on; -1: nowhere."""
    at: int = image.data.obj.find(wanted, start)  # type: ignore[attr-defined]
    return at


def _table(image: Image, start: int, magic: int) -> _Table | None:
    header = image.piece(start, 72)
    if len(header) < 72:
        return None
    words = struct.unpack_from("<8Q", header, 8)
    if magic == _GO_1_2:
        return _Table(start, start, start + 16, words[0], "<QQ", 0, start)
    if magic == _GO_1_16:
        index = start + words[6]
        return _Table(start, start + words[2], index, words[0], "<QQ", 0, index)
    index = start + words[7]
    base = words[2] or _relocated(image, start + 24)
    return _Table(start, start + words[3], index, words[0], "<II", base, index)


def _relocated(image: Image, offset: int) -> int:
    """The address that the loader puts at `offset` of the file, in a position-independent one."""
    for segment in image.segments:
        if segment.type == elf.PT_LOAD and 0 <= offset - segment.offset < segment.size:
            address = segment.address + offset - segment.offset
            wanted = struct.pack("<Q", address) + _RELATIVE
            at = _find(image, wanted, 0)
            addend = image.piece(at + 16, 8) if at >= 0 else b""
            return int.from_bytes(addend, "little") if len(addend) == 8 else 0
    return 0


def _named(image: Image, table: _Table, name: str) -> Iterator[Symbol]:
    """Look for the name, then for the record that refers to it, then for that in the index."""
    entry = struct.Struct(table.index)
    index = image.piece(table.functions, (table.count + 1) * entry.size)
    at = table.names - 1
    for _ in range(_MAX_NAMES):
        at = _find(image, b"\0" + name.encode() + b"\0", at + 1)
        if at < 0 or at + 1 - table.names > 0x7FFFFFFF:
            return
        wanted = struct.pack("<I", at + 1 - table.names)
        yield from _records(image, table, index, (name, wanted))


def _records(
    image: Image, table: _Table, index: bytes, name: tuple[str, bytes]
) -> Iterator[Symbol]:
    entry = struct.Struct(table.index)
    width = entry.size // 2
    at = table.functions + len(index)
    for _ in range(1024):
        at = _find(image, name[1], at + 1)
        if at < 0:
            return
        start = at - width  # a record begins with its function's address
        row = image.piece(start, width) + (start - table.origin).to_bytes(width, "little")
        place = index.find(row)
        if place < 0 or place % entry.size or place + 2 * entry.size > len(index) + entry.size:
            continue
        begin = entry.unpack_from(index, place)[0]
        after = index[place + entry.size : place + entry.size + width]
        end = int.from_bytes(after, "little") if len(after) == width else begin
        yield Symbol(name[0], table.base + begin, max(end - begin, 0))
        return
