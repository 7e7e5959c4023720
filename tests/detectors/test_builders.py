from __future__ import annotations

import pytest

from pytest_ato.detectors.builders import is_builder, is_packager
from pytest_ato.detectors.processes import ProcessState

PYTHON = "/usr/bin/python3.11"


def process(file: str, *argv: str, parent: ProcessState | None = None) -> ProcessState:
    return ProcessState(
        pid=7, ppid=1, file=file, path=file, argv=argv, ancestors=(parent,) if parent else ()
    )


@pytest.mark.parametrize(
    "file",
    [
        "/usr/bin/x86_64-linux-gnu-ld.bfd",
        "/usr/bin/ld.gold",
        "/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus",
        "/usr/bin/x86_64-linux-gnu-gcc-12",
        "/usr/bin/g++",
        "/usr/bin/clang-14",
        "/usr/bin/tar",
        "/usr/bin/unzip",
        "/usr/bin/dpkg-deb",
        "/usr/bin/git",
        "/usr/local/go/pkg/tool/linux_amd64/link",
    ],
)
def test_builders(file: str) -> None:
    assert is_builder(process(file))


@pytest.mark.parametrize(
    "file",
    ["/usr/bin/cp", "/usr/bin/cat", "/usr/bin/dash", PYTHON, "/opt/vendor/ld", "/tmp/tar", "", "/"],
)
def test_no_builders(file: str) -> None:
    assert not is_builder(process(file))


def test_applets() -> None:
    assert is_builder(process("/bin/busybox", "busybox", "tar"))
    assert is_builder(process("/bin/busybox", "gunzip", "x.gz"))
    assert not is_builder(process("/bin/busybox", "cp", "a", "b"))


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("python3", "-m", "pip", "install", "x"), True),
        (("python3", "-I", "-m", "venv", "environment"), True),
        (("/usr/bin/python3", "/usr/bin/pip3", "install"), True),
        (("python3", "/opt/vendor/pip3"), False),
        (("python3", "pip"), False),
        (("python3", "-c", "import pip"), False),
        (("python3", "-m"), False),
        ((), False),
    ],
)
def test_packagers(argv: tuple[str, ...], expected: bool) -> None:
    maker = process(PYTHON, *argv)
    assert is_packager(maker) is expected
    assert is_packager(process(PYTHON, "python3", "-c", "x", parent=maker)) is expected


def test_another_program_with_the_same_arguments_is_none() -> None:
    assert not is_packager(process("/opt/vendor/app", "app", "-m", "pip"))
