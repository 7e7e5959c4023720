"""Functions by name in a Go program's own table (pclntab), which stripping leaves in place.

Owns the layouts of that table: of Go 1.2, 1.16, 1.18 and 1.20, which differ in their magic number.
It is found by its header, so it needs no section headers either.

Source: runtime/symtab.go and debug/gosym/pclntab.go of each version.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
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
_MAX_HOLDERS: Final = 16
_MODULE_WORDS: Final = 48
"""Of runtime.moduledata, within which it has what is looked for."""
_SPACE: Final = 1 << 64
"""Addresses that there are: a segment may be told to lie across the end of them."""
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
    """Where the file has these bytes, from `start` on, which may be beyond it; -1: nowhere."""
    at: int = image.data.obj.find(wanted, min(start, len(image.data)))  # type: ignore[attr-defined]
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
    own = _address(image, start)
    base = words[2] or (_Memory(image).word(own + 16 + 8) if own else 0)
    table = _Table(start, start + words[3], index, words[0], "<II", base, index)
    return table if base else _based(image, table, own)


def _address(image: Image, offset: int) -> int:
    """Where in memory a byte of the file lies; 0: nowhere."""
    for segment in image.segments:
        if segment.type == elf.PT_LOAD and 0 <= offset - segment.offset < segment.size:
            address = segment.address + offset - segment.offset
            return address if address < _SPACE else 0
    return 0


class _Memory:
    """Words of the file as they will be in memory, but for where that is loaded."""

    def __init__(self, image: Image) -> None:
        self._image = image

    def word(self, address: int) -> int:
        """What the file has at an address, or what the loader is told to put there."""
        if address >= _SPACE:
            return 0
        offset = elf.file_offset(self._image.segments, address)
        content = self._image.piece(offset, 8) if offset is not None else b""
        if any(content) or not address:
            return int.from_bytes(content, "little")
        at = _find(self._image, struct.pack("<Q", address) + _RELATIVE, 0)
        return int.from_bytes(self._image.piece(at + 16, 8), "little") if at >= 0 else 0

    def holders(self, value: int) -> Iterator[int]:
        """Addresses of words that have this value."""
        at = -1
        for _ in range(_MAX_HOLDERS):
            at = _find(self._image, struct.pack("<Q", value), at + 1)
            if at < 0:
                return
            if self._image.piece(at - 8, 8) == _RELATIVE:
                yield int.from_bytes(self._image.piece(at - 16, 8), "little")
            yield _address(self._image, at)


def _based(image: Image, table: _Table, own: int) -> _Table | None:
    """From Go 1.26 on, the table does not say where the code is; what points to the table does:
    it has the lowest and the highest address of code, then where code begins."""
    entry = struct.Struct(table.index)
    first = image.piece(table.functions, entry.size)
    last = image.piece(table.functions + table.count * entry.size, 4)
    if not own or len(first) < entry.size or len(last) < 4:
        return None
    low, high = entry.unpack(first)[0], int.from_bytes(last, "little")
    memory = _Memory(image)
    for holder in memory.holders(own):
        words = [memory.word(holder + 8 * at) for at in range(_MODULE_WORDS)] if holder else []
        for lowest, highest, base in zip(words, words[1:], words[2:], strict=False):
            if base and (lowest, highest) == (base + low, base + high):
                return replace(table, base=base)
    return None


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
    at = table.functions + len(index) - 1  # the first record's name is right behind
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
