"""Functions by name in the symbol tables of an ELF file, exported or local, found in bounds.

Owns the search, which looks for names in the string tables and for what refers to them in the
symbol tables, so that its cost does not grow with the number of symbols. Counts and offsets are the
file's word and never trusted: what lies outside the file is not there.

Source: System V ABI, chapters 4 and 5.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from pytest_ato import elf

_SHT_SYMTAB = 2
_STT_NOTYPE, _STT_FUNC = 0, 2
_DT_NULL, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ = 0, 5, 6, 10
_ENTRY: Final = struct.Struct("<IBBHQQ")
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_MAX_SECTIONS: Final = 16_384
_MAX_DYNAMIC: Final = 64 << 10
_MAX_TABLES: Final = 4
_MAX_TABLE: Final = 64 << 20
"""Bytes of one symbol or string table that are searched."""
_MAX_PLACES: Final = 64
"""Places of one name that are followed: more are no honest table's."""


@dataclass(frozen=True)
class Symbol:
    """A function; `size` is what the file says, 0: nothing."""

    name: str
    address: int
    size: int


class Image:
    """The bytes of a file, and where they lie in memory. Raises `elf.NotElf` and OSError."""

    def __init__(self, file: BinaryIO, data: memoryview) -> None:
        self.data = data
        self.segments = elf.segments(file)
        self.header = bytes(data[:64])

    def code_offset(self, address: int) -> int | None:
        """Where in the file the code at `address` lies; None: it is no code of the file's."""
        code = [segment for segment in self.segments if segment.executable]
        offset = elf.file_offset(code, address)
        return offset if offset is not None and offset < len(self.data) else None

    def piece(self, offset: int, size: int) -> bytes:
        """Bytes of the file, as far as it has them."""
        if offset < 0 or size <= 0 or offset >= len(self.data):
            return b""
        return bytes(self.data[offset : offset + size])


def functions(image: Image, names: Iterable[str]) -> list[Symbol]:
    """Return the functions of these names that the file defines; one has one for each address."""
    wanted = tuple(names)
    found: dict[tuple[str, int], Symbol] = {}
    for entries, strings in _tables(image):
        if not any(name.encode() in strings for name in wanted):
            continue
        names_at = _column(entries)
        for name in wanted:
            for symbol in _defined(entries, names_at, strings, name):
                found.setdefault((name, symbol.address), symbol)
    return list(found.values())


def _tables(image: Image) -> Iterator[tuple[bytes, bytes]]:
    """Pairs of a symbol table and its strings: the loader's own, then those of sections."""
    yield from _dynamic(image)
    sections = _sections(image)
    tables = [section for section in sections if section[0] == _SHT_SYMTAB]
    for _, offset, size, link in tables[:_MAX_TABLES]:
        if link < len(sections):
            _, at, length, _ = sections[link]
            yield (
                image.piece(offset, min(size, _MAX_TABLE)),
                image.piece(at, min(length, _MAX_TABLE)),
            )


def _dynamic(image: Image) -> Iterator[tuple[bytes, bytes]]:
    for segment in image.segments:
        if segment.type != elf.PT_DYNAMIC:
            continue
        data = image.piece(segment.offset, min(segment.size, _MAX_DYNAMIC))
        entries = {}
        for tag, value in struct.iter_unpack("<qQ", data[: len(data) // 16 * 16]):
            if tag == _DT_NULL:
                break
            entries[tag] = value
        symbols = elf.file_offset(image.segments, entries.get(_DT_SYMTAB, 0))
        strings = elf.file_offset(image.segments, entries.get(_DT_STRTAB, 0))
        if symbols is not None and strings is not None:
            # Its size is nowhere; linkers put the strings right behind it.
            size = strings - symbols if strings > symbols else _MAX_TABLE
            yield (
                image.piece(symbols, min(size, _MAX_TABLE)),
                image.piece(strings, min(entries.get(_DT_STRSZ, 0), _MAX_TABLE)),
            )
        return


def _sections(image: Image) -> list[tuple[int, int, int, int]]:
    """Type, offset, size and link of each section, as far as there are sensibly many."""
    (table,) = struct.unpack_from("<Q", image.header, 40)
    size, count = struct.unpack_from("<HH", image.header, 58)
    if size != _SECTION.size:
        return []
    if count == 0 and table:  # more than fit into the header: the first section says how many
        first = image.piece(table, _SECTION.size)
        count = _SECTION.unpack(first)[5] if len(first) == _SECTION.size else 0
    data = image.piece(table, min(count, _MAX_SECTIONS) * _SECTION.size)
    data = data[: len(data) // _SECTION.size * _SECTION.size]
    return [
        (kind, offset, length, link)
        for _, kind, _, _, offset, length, link, *_ in _SECTION.iter_unpack(data)
    ]


def _defined(entries: bytes, names: array[int], strings: bytes, name: str) -> Iterator[Symbol]:
    """Functions that a table gives an address for, under `name`; `names` is its first column."""
    for at in _places(strings, name.encode() + b"\0"):
        for index in _rows(names, at):
            _, info, _, section, address, size = _ENTRY.unpack_from(entries, index * _ENTRY.size)
            if section and address and info & 0xF in (_STT_FUNC, _STT_NOTYPE):
                yield Symbol(name, address, size)


def _places(data: bytes, wanted: bytes) -> Iterator[int]:
    """Where `data` has the bytes `wanted`: also as the end of a longer name."""
    at = -1
    for _ in range(_MAX_PLACES):
        at = data.find(wanted, at + 1)
        if at < 0:
            return
        yield at


def _column(entries: bytes) -> array[int]:
    """The first field of all entries: where their names are."""
    words = array("I")
    words.frombytes(entries[: len(entries) // _ENTRY.size * _ENTRY.size])
    return words[:: _ENTRY.size // words.itemsize]


def _rows(names: array[int], at: int) -> Iterator[int]:
    row = -1
    for _ in range(_MAX_PLACES):
        try:
            row = names.index(at, row + 1)
        except ValueError:
            return
        yield row
