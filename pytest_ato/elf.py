"""The few facts of an ELF file that placing and watching a program need, read in bounds.

Owns the decoding of file header, program headers and dynamic section of hostile files. It reads at
most about 1.2 MiB of any file and never looks at section headers, whose number the file chooses:
general ELF libraries walk those, which a crafted file makes endless.

Source: System V ABI, chapters 4 and 5; elf(5).
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

MAGIC: Final = b"\x7fELF"
ET_EXEC, ET_DYN = 2, 3
MACHINES: Final = {"x86_64": 62, "aarch64": 183, "riscv64": 243, "ppc64le": 21, "s390x": 22}
"""``e_machine`` by ``uname -m``."""
_MACHINE_NAMES: Final = {number: name for name, number in MACHINES.items()} | {
    3: "32-bit x86",
    40: "32-bit ARM",
    8: "MIPS",
}
PT_LOAD, PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_PF_X = 1
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_STRSZ = 0, 1, 5, 10
_DT_RPATH, _DT_RUNPATH = 15, 29
_MAX_SEGMENTS = 128
_MAX_DYNAMIC = 64 << 10
_MAX_STRINGS = 1 << 20
_MAX_NEEDED = 256
_MAX_NAME = 4096


class NotElf(ValueError):
    """The file is not a well-formed 64-bit little-endian ELF file; the message says what is off."""


@dataclass(frozen=True)
class Elf:
    """What the header and the dynamic section say; paths and names are as written."""

    type: int
    machine: int
    interpreter: bytes = b""
    needed: tuple[bytes, ...] = ()
    rpath: tuple[bytes, ...] = ()
    """DT_RPATH, split; the loader ignores it where DT_RUNPATH is there."""
    runpath: tuple[bytes, ...] = ()

    @property
    def machine_name(self) -> str:
        """Name of the architecture for a person."""
        return _MACHINE_NAMES.get(self.machine, f"machine {self.machine}")


@dataclass(frozen=True)
class Segment:
    """A program header: where bytes of the file lie in memory."""

    type: int
    offset: int
    address: int
    size: int
    """Bytes in the file."""
    flags: int = 0

    @property
    def executable(self) -> bool:
        """Whether it holds code that is loaded."""
        return self.type == PT_LOAD and bool(self.flags & _PF_X)


def read(file: BinaryIO) -> Elf:
    """Decode a file that is open for reading; raises `NotElf`, and `OSError` of the reading."""
    header = _at(file, 0, 64)
    if header[:4] != MAGIC:
        raise NotElf("no ELF file")
    if len(header) < 20:
        raise NotElf("its header is cut off")
    kind, machine = struct.unpack_from("<HH", header, 16)
    if header[4:6] != b"\x02\x01":
        return Elf(kind, machine if header[5] == 1 else 0)
    if len(header) < 64:
        raise NotElf("its header is cut off")
    found = _segments(file, header)
    interpreter = next((s for s in found if s.type == _PT_INTERP), None)
    dynamic = next((s for s in found if s.type == PT_DYNAMIC), None)
    name = _at(file, interpreter.offset, min(interpreter.size, _MAX_NAME)) if interpreter else b""
    needed, rpath, runpath = _dynamic(file, found, dynamic) if dynamic else ((), (), ())
    return Elf(kind, machine, name.split(b"\0", 1)[0], needed, rpath, runpath)


def segments(file: BinaryIO) -> list[Segment]:
    """Return the program headers of a 64-bit file; raises `NotElf`, and what reading raises."""
    header = _at(file, 0, 64)
    if len(header) < 64 or header[:6] != MAGIC + b"\x02\x01":
        raise NotElf("no 64-bit ELF file")
    return _segments(file, header)


def _segments(file: BinaryIO, header: bytes) -> list[Segment]:
    (table,) = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<HH", header, 54)
    if count and size != 56:
        raise NotElf("its program headers have an unknown size")
    data = _at(file, table, 56 * min(count, _MAX_SEGMENTS))
    if len(data) < 56 * min(count, _MAX_SEGMENTS):
        raise NotElf("its program headers are cut off")
    return [
        Segment(kind, offset, address, size, flags)
        for kind, flags, offset, address, _, size, _, _ in struct.iter_unpack("<IIQQQQQQ", data)
    ]


def _dynamic(
    file: BinaryIO, segments: list[Segment], dynamic: Segment
) -> tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]:
    data = _at(file, dynamic.offset, min(dynamic.size, _MAX_DYNAMIC))
    entries: list[tuple[int, int]] = []
    for tag, value in struct.iter_unpack("<qQ", data[: len(data) // 16 * 16]):
        if tag == _DT_NULL:
            break
        entries.append((tag, value))
    single = dict(entries)
    offset = file_offset(segments, single.get(_DT_STRTAB, 0))
    if offset is None:
        return (), (), ()
    strings = _at(file, offset, min(single.get(_DT_STRSZ, 0), _MAX_STRINGS))

    def names(tag: int) -> tuple[bytes, ...]:
        found = [_string(strings, value) for kind, value in entries if kind == tag]
        return tuple(name for name in found[:_MAX_NEEDED] if name)

    def directories(tag: int) -> tuple[bytes, ...]:
        return tuple(part for name in names(tag) for part in name.split(b":")[:64] if part)

    return names(_DT_NEEDED), directories(_DT_RPATH), directories(_DT_RUNPATH)


def file_offset(segments: list[Segment], address: int) -> int | None:
    """Where the byte at `address` of memory lies in the file; None: nowhere."""
    for segment in segments:
        if segment.type == PT_LOAD and 0 <= address - segment.address < segment.size:
            return segment.offset + address - segment.address
    return None


def _string(strings: bytes, offset: int) -> bytes:
    end = strings.find(b"\0", offset, offset + _MAX_NAME)
    return strings[offset:end] if 0 <= offset < len(strings) and end >= 0 else b""


def _at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Read up to `size` bytes at `offset`; an offset that no file can have gives nothing."""
    if size <= 0 or not 0 <= offset < 1 << 62:
        return b""
    return os.pread(file.fileno(), size, offset)
