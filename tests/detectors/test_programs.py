from __future__ import annotations

import pytest

from pytest_ato.detectors.programs import (
    base_name,
    is_interpreter,
    reads_program_from_stdin,
    script_argument,
    shell_name,
)
from pytest_ato.model.octets import B64


@pytest.mark.parametrize(
    ("file", "argv", "name"),
    [
        ("/usr/bin/dash", ("sh", "-c", "id"), "dash"),
        ("/tmp/bash (deleted)", (), "bash"),
        ("/bin/busybox", ("sh", "-i"), "sh"),
        ("/bin/busybox", ("busybox", "ash"), "ash"),
        ("/bin/busybox", ("busybox", "wget", "sh"), ""),
        ("/bin/busybox", ("-sh",), "sh"),
        ("/usr/bin/ssh", ("ssh",), ""),
        (B64(b"/\xff/sh"), (), "sh"),
        ("", (), ""),
    ],
)
def test_shell_name(file, argv, name: str) -> None:
    assert shell_name(file, argv) == name


@pytest.mark.parametrize(
    "file", ["/usr/bin/python3.11", "/usr/bin/perl", "/usr/bin/node", "/bin/sh"]
)
def test_interpreters(file: str) -> None:
    assert is_interpreter(file)


def test_no_interpreters() -> None:
    assert not is_interpreter("/usr/bin/pythonize")
    assert base_name("/a/b") == "b"


@pytest.mark.parametrize(
    ("argv", "reads"),
    [
        (("python3",), True),
        (("python3", "-i"), True),
        (("python3", "-u", "-"), True),
        (("python3", "-c", "print()"), False),
        (("python3", "-uc", "print()"), False),
        (("python3", "-m", "http.server"), False),
        (("python3", "script.py"), False),
        (("python3", "--version"), False),
    ],
)
def test_reads_program_from_stdin(argv: tuple[str, ...], reads: bool) -> None:
    assert reads_program_from_stdin("/usr/bin/python3.11", argv) is reads
    assert not reads_program_from_stdin("/usr/bin/cat", argv)


def test_script_argument() -> None:
    assert script_argument(("sh", "-e", "/dev/fd/3", "x")) == "/dev/fd/3"
    assert script_argument(("sh",)) == ""
