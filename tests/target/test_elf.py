"""ELF files are read right, and hostile ones within bounds: an answer or `NotElf`, never a hang."""

from __future__ import annotations

import io
import os
import struct
import tempfile
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato import elf


def read(content: bytes) -> elf.Elf:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        return elf.read(file)


def test_a_real_program_and_its_library(compiled):
    compiled("lib/libown.so", library=True)
    path = compiled("prog", "lib/libown.so", "-Wl,-rpath,$ORIGIN/lib:/opt/else")
    with path.open("rb") as file:
        parsed = elf.read(file)
    assert parsed.machine == elf.MACHINES[os.uname().machine]
    assert parsed.type == elf.ET_DYN
    assert parsed.interpreter.startswith(b"/lib")
    assert b"lib/libown.so" in parsed.needed
    assert (parsed.runpath or parsed.rpath) == (b"$ORIGIN/lib", b"/opt/else")


def test_a_32_bit_program_is_named():
    header = b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack("<HH", 2, 3) + bytes(40)
    assert read(header).machine_name == "32-bit x86"


@pytest.mark.parametrize(
    "content", [b"", b"\x7fEL", b"\x7fELF", b"\x7fELF\x02\x01" + bytes(20), b"#!/bin/sh\n"]
)
def test_what_is_no_elf_file_is_refused(content):
    with pytest.raises(elf.NotElf):
        read(content)


def test_counts_that_the_file_chooses_are_bounded(make_elf):
    needed = [(1, 1)] * 4000
    strings = b"\0" + b"lib.so\0"
    address = 64 + 56 * 3
    parsed = read(make_elf(dynamic=[*needed, (5, address), (10, len(strings))], strings=strings))
    assert parsed.needed == (b"lib.so",) * 256


def test_a_huge_sparse_file_takes_no_time(make_elf, tmp_path):
    content = bytearray(make_elf())
    struct.pack_into("<H", content, 56, 0xFFFF)  # 65,535 program headers
    path = tmp_path / "huge"
    path.write_bytes(content)
    os.truncate(path, 1 << 40)
    started = time.process_time()
    with path.open("rb") as file:
        elf.read(file)
    assert time.process_time() - started < 1


@settings(max_examples=300)
@given(st.binary(max_size=600), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255))))
def test_any_bytes_give_an_answer(tail, changes):
    content = bytearray(_TEMPLATE + tail)
    for offset, value in changes:
        content[offset % len(content)] = value
    for candidate in (bytes(content), b"\x7fELF" + tail):
        try:
            parsed = read(candidate)
        except (elf.NotElf, OSError):
            continue
        assert len(parsed.needed) <= 256
        assert all(len(name) <= 4096 for name in (*parsed.needed, parsed.interpreter))


def _template() -> bytes:
    strings = b"\0liba.so\0$ORIGIN/lib\0"
    dynamic = [(1, 1), (29, 9), (5, 64 + 56 * 3), (10, len(strings)), (0, 0)]
    out = io.BytesIO()
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 3, 0, 0, 0)
    out.write(header)
    out.write(struct.pack("<IIQQQQQQ", 1, 4, 0, 0, 0, 4096, 4096, 1))
    at = 64 + 56 * 3 + len(strings)
    out.write(struct.pack("<IIQQQQQQ", 2, 4, at, at, at, 16 * len(dynamic), 0, 1))
    out.write(struct.pack("<IIQQQQQQ", 0, 4, 0, 0, 0, 0, 0, 1))
    out.write(strings)
    for tag, value in dynamic:
        out.write(struct.pack("<qQ", tag, value))
    return out.getvalue()


_TEMPLATE = _template()


def test_the_template_of_the_fuzzing_is_read():
    parsed = read(_TEMPLATE)
    assert parsed.needed == (b"liba.so",)
    assert parsed.runpath == (b"$ORIGIN/lib",)
