"""Go's table of functions in the layout of each of its versions, made by hand."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from elves import BASE, CODE, CODE_SIZE, elf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_ato.capture.finder.search import look
from pytest_ato.capture.finder.wire import SITES, Found

# push rbp: watched there; ret
FUNCTION = bytes.fromhex("55905dc3")
NAMES = ("main.main", "crypto/tls.(*Conn).Write", "crypto/tls.(*Conn).Read")
SIZES = (16, len(FUNCTION), len(FUNCTION))
TABLE = CODE + CODE_SIZE
TEXT = BASE + CODE


def program(version: str, **changes: int) -> bytes:
    """A program with three functions, without symbols or sections."""
    code = FUNCTION.ljust(SIZES[0], b"\xcc") + FUNCTION * 2
    return elf(code, {"1.2": _old, "1.16": _wide, "1.18": _narrow, "1.20": _narrow}[version](
        {"1.2": 0xFB, "1.16": 0xFA, "1.18": 0xF0, "1.20": 0xF1}[version], changes
    ))  # fmt: skip


def _starts() -> list[int]:
    return [sum(SIZES[:at]) for at in range(len(SIZES) + 1)]


def _names(prefix: bytes) -> tuple[bytes, list[int]]:
    """Names behind `prefix`, and the offset of each."""
    places = []
    for name in NAMES:
        places.append(len(prefix))
        prefix += name.encode() + b"\0"
    return prefix, places


def _narrow(magic: int, changes: dict[str, int]) -> bytes:
    """From 1.18 on: four bytes for an address, from the start of the code."""
    names, places = _names(b"\0")
    index_at = 72 + len(names) + -len(names) % 8
    records_at = 8 * len(NAMES) + 4
    index, records = b"", b""
    for at, start in enumerate(_starts()[:-1]):
        index += struct.pack("<II", start, records_at + 12 * at)
        records += struct.pack("<IiI", start, places[at], 0)
    index += struct.pack("<I", _starts()[-1])
    head = struct.pack("<B7s", magic, b"\xff\xff\xff\0\0\1\x08")
    head += struct.pack(
        "<8Q", changes.get("count", len(NAMES)), 0, changes.get("text", TEXT), 72, 0, 0, 0, index_at
    )
    return (head + names).ljust(index_at, b"\0") + index + records


def _wide(magic: int, changes: dict[str, int]) -> bytes:
    """1.16 and 1.17: eight bytes, addresses themselves."""
    names, places = _names(b"\0")
    index_at = 72 + len(names) + -len(names) % 8
    index, records = _pairs(places, 16 * len(NAMES) + 8)
    head = struct.pack("<B7s", magic, b"\xff\xff\xff\0\0\1\x08")
    head += struct.pack("<8Q", changes.get("count", len(NAMES)), 0, 72, 0, 0, 0, index_at, 0)
    return (head + names).ljust(index_at, b"\0") + index + records


def _old(magic: int, changes: dict[str, int]) -> bytes:
    """Up to 1.15: offsets of names and records count from the table's start."""
    index_size = 16 * len(NAMES) + 8
    records_size = 24 * len(NAMES)
    start = bytes(16 + index_size + records_size)
    names, places = _names(start + b"\0")
    index, records = _pairs(places, 16 + index_size)
    head = struct.pack("<B7sQ", magic, b"\xff\xff\xff\0\0\1\x08", changes.get("count", len(NAMES)))
    return head + index + records + names[len(start) :]


def _pairs(places: list[int], records_at: int) -> tuple[bytes, bytes]:
    index, records = b"", b""
    for at, start in enumerate(_starts()[:-1]):
        index += struct.pack("<QQ", TEXT + start, records_at + 24 * at)
        records += struct.pack("<Qi12x", TEXT + start, places[at])
    return index + struct.pack("<Q", TEXT + _starts()[-1]), records


def search(tmp_path: Path, content: bytes) -> Found:
    path = tmp_path / "program"
    path.write_bytes(content)
    with path.open("rb") as file:
        return look(1, file)


@pytest.mark.parametrize("version", ["1.2", "1.16", "1.18", "1.20"])
def test_each_layout(tmp_path: Path, version: str) -> None:
    found = search(tmp_path, program(version))
    assert found.problem == ""
    assert [(site.symbol, site.offset - CODE, site.leaves) for site in found.sites] == [
        (NAMES[1], 16, False),
        (NAMES[1], 19, True),
        (NAMES[2], 20, False),
        (NAMES[2], 23, True),
    ]
    assert not any(site.returns for site in found.sites)  # Go moves its stacks


def test_the_code_s_address_may_be_left_to_the_loader(tmp_path: Path) -> None:
    relocation = struct.pack("<QQQ", BASE + TABLE + 24, 8, TEXT)
    content = program("1.20", text=0)
    assert search(tmp_path, content).sites == ()
    assert len(search(tmp_path, content + relocation).sites) == 4


@pytest.mark.parametrize("count", [0, 1, 1 << 40, (1 << 64) - 1])
def test_a_count_that_is_not_true_finds_nothing_or_what_is_there(
    tmp_path: Path, count: int
) -> None:
    for version in ("1.2", "1.16", "1.20"):
        found = search(tmp_path, program(version, count=count))
        assert {site.symbol for site in found.sites} <= set(NAMES[1:])


GOOD = program("1.20")
LOADED = program("1.20", text=0)
LAYOUTS = [
    *(program(version) for version in ("1.2", "1.16", "1.18")),
    LOADED + struct.pack("<QQQ", BASE + TABLE + 24, 8, TEXT),
    LOADED + struct.pack("<Q40x3Q", BASE + TABLE, TEXT, TEXT + sum(SIZES), TEXT),
]
_AT_ALL = st.integers(64 // 8, 120 // 8 - 1) | st.integers(TABLE // 8, len(LAYOUTS[-1]) // 8 - 1)
_ODD = st.sampled_from([0, 1, 72, TABLE, BASE + TABLE, 1 << 31, 1 << 32, 1 << 62, (1 << 64) - 4096])


@settings(max_examples=100, derandomize=True)
@example(LAYOUTS[-1], [(80 // 8, (1 << 64) - TABLE)])  # it lies in memory beyond all addresses
@given(st.sampled_from(LAYOUTS), st.lists(st.tuples(_AT_ALL, _ODD), min_size=1, max_size=4))
def test_odd_numbers_give_an_answer(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, changes: list[tuple[int, int]]
) -> None:
    changed = bytearray(content)
    for at, value in changes:
        changed[8 * at : 8 * at + 8] = struct.pack("<Q", value)
    found = search(tmp_path_factory.getbasetemp(), bytes(changed))
    assert "argument" not in found.problem  # of a number that did not fit
    assert all(0 <= site.offset < len(changed) for site in found.sites)


@settings(max_examples=100, derandomize=True)
@example([(TABLE + 71, 128)])  # an index beyond what any file can have
@given(
    st.lists(
        st.tuples(st.integers(TABLE, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=6
    )
)
def test_a_broken_table_gives_an_answer(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    content = bytearray(GOOD)
    for at, value in changes:
        content[at] = value
    found = search(tmp_path_factory.getbasetemp(), bytes(content))
    assert len(found.sites) <= SITES
    assert all(CODE <= site.offset < CODE + CODE_SIZE for site in found.sites)
