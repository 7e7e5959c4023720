"""Records to events, from bytes as the kernel side writes them."""

from __future__ import annotations

import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture import abi, syscalls
from pytest_ato.capture.decode import Decoder, descriptor
from pytest_ato.capture.merging import joined
from pytest_ato.capture.texts import absolute, resolved
from pytest_ato.model import events
from pytest_ato.model.octets import B64, raw

OPENAT, RENAME, UNLINK, SYMLINK, MMAP = 257, 82, 87, 88, 9


def path_record(
    *texts: bytes,
    kind: int = abi.PATH,
    nr: int = OPENAT,
    flags: int = 0,
    ret: int = 3,
    ino: int = 0,
    value: int = 0,
    ts: int = 1,
) -> bytes:
    texts = (*texts, *[b""] * (abi.TEXTS - len(texts)))
    head = abi.PATH_LAYOUT.format.pack(
        ts, 7, 7, kind, flags, ret, ino, value, 0x2D, 1, -100, -100, 0, nr, *map(len, texts)
    )
    return (head + b"".join(texts)).ljust(248, b"\0")


def ring(*records: bytes) -> bytes:
    return b"".join(struct.pack("<II", len(record), 0) + record for record in records)


def decode(*records: bytes) -> list[events.Event]:
    return list(Decoder().bulk(ring(*records)))


def test_an_opened_file_has_the_kernels_path() -> None:
    record = path_record(b"x\0", b"", b"x\0user\0home\0", flags=abi.F_FILE, ino=5)
    (event,) = decode(record)
    assert isinstance(event, events.Open)
    assert (event.path, event.file, event.inode, event.dev) == (
        "x",
        "/home/user/x",
        5,
        os.makedev(0, 0x2D),
    )


def test_a_file_seen_before_keeps_its_path() -> None:
    first = path_record(b"/l/x\0", b"", b"x\0etc\0", flags=abi.F_FILE, ino=5)
    again = path_record(b"/l/x\0", ino=5)
    found = decode(first, again)
    assert [event.file for event in found] == ["/etc/x", "/etc/x"]  # type: ignore[attr-defined]


def test_opens_of_a_process_stay_apart_where_it_executes_another_program() -> None:
    opened = path_record(b"/etc/x\0", ret=-2)
    executed = struct.pack("<QIIHH", 2, 7, 7, abi.EXEC, 0).ljust(abi.EXEC_LAYOUT.format.size, b"\0")
    decoder = Decoder()
    counts = []
    for critical in (b"", ring(executed), b"", b""):
        list(decoder.critical(critical))
        found = decoder.bulk(ring(opened, opened))
        counts.append([event.count for event in found])  # type: ignore[attr-defined]
    assert counts == [[2], [1, 1], [1, 1], [2]]


def test_of_very_many_files_those_in_use_are_known() -> None:
    decoder = Decoder()
    told = path_record(b"/l/x\0", b"", b"x\0etc\0", flags=abi.F_FILE, ino=1)
    list(decoder.bulk(ring(told)))
    for first in range(2, 80_000, 10_000):
        others = (
            path_record(b"/l/y\0", b"", b"y\0etc\0", flags=abi.F_FILE, ino=first + i)
            for i in range(10_000)
        )
        list(decoder.bulk(ring(*others)))
        (event,) = decoder.bulk(ring(path_record(b"x\0", ino=1)))
        assert event.file == "/etc/x"  # type: ignore[attr-defined]


def test_a_relative_path_starts_at_its_directory() -> None:
    (event,) = decode(path_record(b"../b\0", b"", b"a\0home\0", nr=UNLINK, ret=0))
    assert isinstance(event, events.Unlink)
    assert event.file == "/home/b"


def test_a_rename_has_two_places() -> None:
    record = path_record(b"a\0", b"b\0", b"tmp\0", b"etc\0", nr=RENAME, ret=0)
    (event,) = decode(record)
    assert isinstance(event, events.Rename)
    assert (event.file, event.to_file) == ("/tmp/a", "/etc/b")


def test_a_symbolic_link_names_no_file() -> None:
    (event,) = decode(path_record(b"/a\0", b"/b\0", nr=SYMLINK, ret=0))
    assert isinstance(event, events.Link)
    assert (event.file, event.to_file, event.symbolic) == (None, "/b", True)


def test_identical_opens_are_one_with_a_count() -> None:
    same = [path_record(b"/x\0", ts=ts) for ts in range(1, 4)]
    (event,) = decode(*same)
    assert isinstance(event, events.Open)
    assert (event.ts, event.count) == (1, 3)


def test_merging_keeps_the_order_around_other_calls() -> None:
    unlink = path_record(b"/x\0", nr=UNLINK, ret=0)
    found = decode(path_record(b"/x\0"), unlink, path_record(b"/x\0"))
    assert [type(event) for event in found] == [events.Open, events.Unlink, events.Open]


def test_opens_that_differ_in_anything_are_not_merged() -> None:
    records = [path_record(b"/x\0"), path_record(b"/x\0", ret=4), path_record(b"/y\0")]
    assert [count for _, count in joined(records)] == [1, 1, 1]


def test_invalid_utf8_is_carried() -> None:
    (event,) = decode(path_record(b"/\xff\xfe\0"))
    assert isinstance(event, events.Open)
    assert event.path == B64(b"/\xff\xfe")


def test_counts_of_consumed_records() -> None:
    decoder = Decoder()
    list(decoder.bulk(ring(*[path_record(b"/x\0")] * 5)))
    assert decoder.consumed == {"critical": 0, "bulk": 5, "plain": 0}


@given(st.binary(min_size=168, max_size=168), st.lists(st.integers(0, 0xFFFF), max_size=4))
def test_any_text_decodes(text: bytes, lengths: list[int]) -> None:
    lengths = [*lengths, *[0] * (4 - len(lengths))]
    for kind in (abi.PATH, abi.MAP, abi.MEMFD):
        for nr in (OPENAT, RENAME, UNLINK, SYMLINK, MMAP):
            head = abi.PATH_LAYOUT.format.pack(
                1, 7, 7, kind, abi.F_FILE, 3, 9, 0, 1, 1, -100, -100, 0, nr, *lengths
            )
            (event,) = decode(head + text)
            assert events.decode(events.encode(event)) == event


@given(st.lists(st.binary(min_size=1, max_size=20).filter(lambda part: b"\0" not in part)))
def test_components_are_reversed(parts: list[bytes]) -> None:
    parts = [part.replace(b"/", b"_") for part in parts]
    data = b"".join(part + b"\0" for part in reversed(parts))
    assert absolute(data) == b"/" + b"/".join(parts)


@pytest.mark.parametrize(
    ("path", "base", "result"),
    [
        (b"/a/../b\0", b"", b"/b"),
        (b"//a\0", b"", b"/a"),
        (b"x\0", b"", None),
        (b"", b"tmp\0", None),
        (b"./x\0", b"/\0", b"/x"),
    ],
)
def test_resolution_is_lexical(path: bytes, base: bytes, result: bytes | None) -> None:
    found = resolved(path, base)
    assert (None if found is None else raw(found)) == result


@pytest.mark.parametrize(
    ("mode", "family", "protocol", "rdev", "word"),
    [
        (0, 0, 0, 0, "closed"),
        (0o140000, 2, 6, 0, "tcp"),
        (0o140000, 10, 17, 0, "udp"),
        (0o140000, 1, 0, 0, "unix"),
        (0o020000, 0, 0, 1 << 20 | 3, "null"),
        (0o020000, 0, 0, 136 << 20, "tty"),
        (0o010000, 0, 0, 0, "pipe"),
        (0o100000, 0, 0, 0, "file"),
        (0o040000, 0, 0, 0, "dir"),
    ],
)
def test_descriptors_have_a_word(
    mode: int, family: int, protocol: int, rdev: int, word: str
) -> None:
    assert descriptor(mode, family, protocol, rdev) == word


def test_call_numbers_are_the_headers() -> None:
    import subprocess

    macros = subprocess.run(
        ["cc", "-E", "-dM", "-include", "asm/unistd_64.h", "-x", "c", "/dev/null"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    numbers = {
        name.removeprefix("__NR_"): int(number)
        for name, number in (line.split()[1:3] for line in macros.splitlines() if "__NR_" in line)
        if number.isdigit()
    }
    for number, name in syscalls.NAMES.items():
        assert numbers.get(name, number) == number


def test_an_end_is_told_once() -> None:
    ended = abi.EXIT_LAYOUT.format.pack(1, 7, 7, abi.EXIT, 0, 0)
    reused = abi.FORK_LAYOUT.format.pack(2, 6, 6, abi.FORK, 0, 7, 3)
    decoder = Decoder()
    found = [
        event
        for drain in (ring(ended, ended), ring(ended, reused, ended))
        for event in decoder.critical(drain)
    ]
    assert [type(event) for event in found] == [events.Exit, events.Fork, events.Exit]
    assert decoder.consumed["critical"] == 5
