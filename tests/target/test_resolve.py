"""Every way in which a path is no target has its own line; a target is described byte for byte."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from pathlib import Path

import pytest

from pytest_ato.model.errors import UsageError
from pytest_ato.settings.grammar import Include
from pytest_ato.target import resolve
from pytest_ato.target.resolve import safe_name

SCRIPT = b"#!/bin/sh\nexit 0\n"


def test_a_script_is_described(executable):
    path = executable("app.sh", SCRIPT)
    target = resolve(str(path))
    assert target.name == "app.sh"
    assert target.path == str(path)
    assert target.sha256 == hashlib.sha256(SCRIPT).hexdigest()
    assert target.size == len(SCRIPT)
    assert target.format == "script"
    assert target.program == "/opt/app.sh/app.sh"


def test_a_system_program_is_run_where_it_is():
    target = resolve("/bin/true")
    assert target.format == "elf"
    assert [item.dest for item in target.placed] == ["/usr/bin/true"]


def test_a_link_keeps_its_name_and_shows_its_file(executable, tmp_path):
    path = executable("real-1.2", SCRIPT)
    (tmp_path / "app").symlink_to(path)
    target = resolve(str(tmp_path / "app"))
    assert (target.name, target.path) == ("app", str(path))
    assert target.placed[0].dest == "/opt/app/app"


def test_the_place_tells_nothing_of_the_host_or_of_us(executable):
    path = executable("home/pytest-ato/vendor/app", SCRIPT)
    for item in resolve(str(path)).placed:
        assert "pytest" not in item.dest
        assert "ato" not in item.dest
        assert "home" not in item.dest


def refused(path: object) -> str:
    with pytest.raises(UsageError) as caught:
        resolve(str(path))
    message = str(caught.value)
    assert "\n" not in message
    assert message.isprintable()
    return message


def test_missing(tmp_path):
    assert "does not exist" in refused(tmp_path / "no")
    assert "does not exist" in refused(tmp_path / "no" / "where")


def test_below_a_file(executable):
    assert "a part of its path is no directory" in refused(executable("app", SCRIPT) / "x")


def test_a_directory(tmp_path):
    assert "has no program in it" in refused(tmp_path)
    assert "has no program in it" in refused(f"{tmp_path}/../{tmp_path.name}")


def test_empty(executable):
    assert "is empty" in refused(executable("app", b""))


def test_not_executable(executable):
    message = refused(executable("app", SCRIPT, 0o644))
    assert "is not executable (chmod +x " in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_as_user(executable):
    assert "permission denied" in refused(executable("app", SCRIPT, 0o311))


def test_unreadable(executable, monkeypatch):
    path = executable("app", SCRIPT)

    def refuse(*_args: object, **_kwargs: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert "cannot be read: permission denied" in refused(path)


def test_pipes_and_sockets_do_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o755)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        started = time.monotonic()
        assert "is a named pipe" in refused(tmp_path / "pipe")
        assert "is a socket" in refused(tmp_path / "socket")
        assert "is a character device" in refused("/dev/null")
        assert time.monotonic() - started < 5


def test_links_in_a_circle(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "links go in a circle" in refused(tmp_path / "a")


def test_impossible_paths(tmp_path):
    assert "name is too long" in refused(tmp_path / ("x" * 300))
    assert "NUL byte" in refused(f"{tmp_path}/\0")


def test_a_name_that_is_no_text(tmp_path):
    path = os.fsencode(tmp_path) + b"/app-\xff"
    Path(os.fsdecode(path)).write_bytes(SCRIPT)
    Path(os.fsdecode(path)).chmod(0o755)
    assert "not valid UTF-8; rename it" in refused(os.fsdecode(path))


def test_a_hostile_name_is_escaped(tmp_path):
    message = refused(tmp_path / "a\n\x1b[2Jb")
    assert "\\n\\x1b[2Jb" in message


def test_the_wrong_architecture(executable, make_elf):
    other = 183 if os.uname().machine == "x86_64" else 62
    message = refused(executable("app", make_elf(machine=other)))
    assert f"this machine is {os.uname().machine}" in message
    assert "aarch64" in message or "x86_64" in message
    assert "is built for 32-bit x86" in refused(
        executable("app32", b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\0\x03\0" + bytes(40))
    )


def test_an_elf_file_that_is_no_program(executable, make_elf):
    assert "an object file or a core dump" in refused(executable("app", make_elf(kind=1)))


def test_a_loader_that_is_not_there(executable, make_elf):
    content = make_elf(interpreter=b"/lib/ld-nowhere.so.1\0")
    assert "needs the loader /lib/ld-nowhere.so.1" in refused(executable("app", content))


@pytest.mark.parametrize("content", [b"MZ\x90\0", b"echo hello\n", b"\xca\xfe\xba\xbe", b"\0" * 99])
def test_what_is_no_program(executable, content):
    assert "neither an ELF file nor a script" in refused(executable("app", content))


@pytest.mark.parametrize("content", [b"\x7fELF", b"\x7fELF\x02\x01" + bytes(30)])
def test_a_broken_elf_file(executable, content):
    assert "is a broken ELF file" in refused(executable("app", content))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"#!\n", "names no interpreter"),
        (b"#!python3\n", "names no interpreter"),
        (b"#!  \n", "names no interpreter"),
        (b"#!/usr/bin/no-such-thing\n", "must be a program under /usr or /bin"),
        (b"#!/etc/passwd\n", "must be a program under /usr or /bin"),
        (b"#!/usr/bin\n", "must be a program under /usr or /bin"),
        (b"#!/usr/bin/\0sh\n", "names no interpreter"),
        (b"#!/" + b"x" * 400 + b"\n", "must be a program under /usr or /bin"),
    ],
)
def test_a_script_without_a_usable_interpreter(executable, line, message):
    assert message in refused(executable("app", line))


def test_an_interpreter_of_the_users_own_is_refused(executable, tmp_path):
    (tmp_path / "python").symlink_to("/root/python")
    assert "must be a program under /usr" in refused(
        executable("app", f"#!{tmp_path}/python\n".encode())
    )


@pytest.mark.parametrize("line", [b"#!/bin/sh", b"#! /usr/bin/env sh\n", b"#!/bin/sh\t-e\r\n"])
def test_ordinary_first_lines_are_taken(executable, line):
    assert resolve(str(executable("app", line))).format == "script"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("app", "app"),
        ("a b\n::c", "a_b___c"),
        ("größe", "größe"),
        ("evidence.log", "_evidence.log"),
        (".hidden", "_.hidden"),
        ("-x", "_-x"),
        ("..", "_.."),
        ("x" * 300, "x" * 100),
        ("a~b", "a_b"),
    ],
)
def test_names_are_fit_for_directories_and_node_ids(name, safe):
    assert safe_name(name) == safe


def test_the_manifest_covers_all_that_is_placed(executable, tmp_path):
    path = executable("app", SCRIPT)
    data = executable("data/one", b"1", 0o644)
    alone = resolve(str(path)).manifest_sha256
    include = [Include(str(tmp_path / "data"), "/opt/data")]
    first = resolve(str(path), include).manifest_sha256
    assert first == resolve(str(path), include).manifest_sha256
    data.write_bytes(b"2")
    assert len({alone, first, resolve(str(path), include).manifest_sha256}) == 3


def test_two_things_at_one_place_are_refused(executable):
    path, other = executable("app", SCRIPT), executable("other", b"x")
    with pytest.raises(UsageError, match="would both be at /opt/app/app"):
        resolve(str(path), [Include(str(other), "/opt/app/app")])
