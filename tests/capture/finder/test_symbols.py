"""Functions by their symbols: real files, files made by hand, and broken ones."""

from __future__ import annotations

import struct
import subprocess
import time
from pathlib import Path

import pytest
from elves import CODE, elf, with_symbols
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.capture.finder.search import look
from pytest_ato.capture.finder.wire import SITES, Found

SOURCE = b"""
%s __attribute__((noinline)) int SSL_write(void *s, const void *b, int n)
{ __asm__ volatile("nop"); return s == b ? n : 0; }
int other(void *s) { return SSL_write(s, s, 3); }
int main(int c, char **v) { return other(v[0]) - 3; }
"""
WRITE = bytes.fromhex("5589d05dc3")


def search(path: Path) -> Found:
    with path.open("rb") as file:
        return look(7, file)


def compiled(path: Path, kind: bytes, *options: str) -> Found:
    subprocess.run(
        ["cc", "-O1", "-x", "c", "-", "-o", str(path), *options], input=SOURCE % kind, check=True
    )
    return search(path)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param(b"", ("-rdynamic",), id="exported"),
        pytest.param(b"", ("-shared", "-fPIC", "-s"), id="library"),
        pytest.param(b"static", (), id="local"),
        pytest.param(b"", ("-static",), id="static"),
        pytest.param(b"", ("-no-pie",), id="fixed address"),
    ],
)
def test_a_function_of_a_real_file(tmp_path: Path, kind: bytes, options: tuple[str, ...]) -> None:
    path = tmp_path / "program"
    found = compiled(path, kind, *options)
    assert (found.number, found.problem) == (7, "")
    assert [site.symbol for site in found.sites if not site.leaves] == ["SSL_write"]
    code = path.read_bytes()
    assert all(code[site.offset] in (0x90, 0xC3) for site in found.sites)
    assert any(site.leaves for site in found.sites)


def test_a_stripped_one_has_nothing_to_tell(tmp_path: Path) -> None:
    assert compiled(tmp_path / "program", b"", "-s") == Found(number=7)


def test_local_symbols_made_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "elf"
    path.write_bytes(with_symbols(WRITE, [("SSL_write", 0, len(WRITE)), ("main", 9, 1)]))
    enter, leave = search(path).sites
    assert (enter.offset, enter.emulated, enter.leaves) == (CODE, True, False)
    assert (leave.offset, leave.leaves, leave.returns) == (CODE + 4, True, False)


def test_a_longer_name_may_end_in_the_functions(tmp_path: Path) -> None:
    path = tmp_path / "elf"
    path.write_bytes(with_symbols(WRITE, [("my_SSL_write", 0, 5), ("SSL_writer", 0, 5)]))
    assert search(path).sites == ()


@pytest.mark.parametrize("offset", [-0x400000, 0x100000, 1 << 63])
def test_a_symbol_outside_the_code_is_said_and_not_watched(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "elf"
    content = bytearray(with_symbols(WRITE, [("SSL_write", 0, 5)]))
    at = content.index(struct.pack("<Q", 0x401000), 0x2000)
    content[at : at + 8] = struct.pack("<Q", (0x401000 + offset) % (1 << 64))
    path.write_bytes(content)
    assert search(path) == Found(number=7, problem="SSL_write has no code that can be watched")


def test_duplicates_are_one_and_too_many_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "elf"
    same = [("SSL_write", 0, 5)] * 50
    path.write_bytes(with_symbols(WRITE, same))
    assert len(search(path).sites) == 2
    many = [("SSL_write", at, 5) for at in range(0, 4000, 8)]
    path.write_bytes(with_symbols(WRITE.ljust(8, b"\x90") * 500, many))
    found = search(path)
    assert len(found.sites) <= SITES


def test_a_billion_sections_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "elf"
    first = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 1_000_000_000, 0, 0, 0, 0)
    path.write_bytes(elf(WRITE, sections=first, shnum=0))
    began = time.monotonic()
    assert search(path) == Found(number=7)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty"),
        (b"#!/bin/sh\n", "it is no ELF file that can be read: no 64-bit ELF file"),
        (b"\x7fELF\x02\x01", "it is no ELF file that can be read: no 64-bit ELF file"),
        (elf(b"", machine=183), "it is for another processor"),
        (elf(b"")[:100], "it is no ELF file that can be read: its program headers are cut off"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "elf"
    path.write_bytes(content)
    assert search(path) == Found(number=7, problem=problem)


GOOD = with_symbols(WRITE, [("SSL_write", 0, 5), ("gnutls_record_recv", 0, 5)])
_PLACES = st.integers(0, 119) | st.integers(0x2000, len(GOOD) - 1)


@settings(max_examples=150, derandomize=True)
@given(st.lists(st.tuples(_PLACES, st.integers(0, 255)), max_size=8), st.integers(0, len(GOOD)))
def test_any_broken_file_gives_an_answer(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(GOOD)
    for at, value in changes:
        content[at] = value
    path = tmp_path_factory.getbasetemp() / "broken"
    path.write_bytes(content if cut % 2 else content[:cut])
    found = search(path)
    assert len(found.sites) <= SITES
    assert all(0 <= site.offset < len(content) for site in found.sites)
