"""Which files are looked into before a target starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_ato.capture.tls import candidates, finder


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("libssl.so.3", True),
        ("libssl.so.1.1", True),
        ("libssl-8cfa9ee4.so.3", True),  # bundled by a wheel
        ("libgnutls.so.30.34.3", True),
        ("libnspr4.so", True),
        ("libboringssl.so", True),
        ("libssl3.so", False),  # NSS's, whose functions are NSPR's
        ("libsslcommon.so", False),
        ("libssl.a", False),
        ("mylibssl.so", False),
    ],
)
def test_names_of_libraries(name: str, library: bool) -> None:
    assert candidates.is_library(name) is library


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(candidates, "_FOLDERS", (str(tmp_path / "lib"), str(tmp_path / "gone")))
    monkeypatch.setattr(candidates, "_BINARIES", (str(tmp_path / "bin"),))
    (tmp_path / "bin").mkdir()
    return tmp_path


def test_the_host_is_searched_two_folders_deep_and_links_are_one(host: Path) -> None:
    for folder in ("lib", "lib/x86_64-linux-gnu", "lib/a/b", "lib/a/b/c"):
        (host / folder).mkdir(parents=True, exist_ok=True)
        (host / folder / "libssl.so.3").write_bytes(b"x")
    (host / "lib/libssl.so").symlink_to("libssl.so.3")
    (host / "lib/libgnutls.so.30").symlink_to("nowhere")
    (host / "bin/node").write_bytes(b"x")
    found = {str(Path(path).relative_to(host)) for path in candidates.of_host()}
    # One that lies deeper is looked into when it is mapped: see test_matrix's "renamed".
    assert found == {
        "lib/libssl.so.3",
        "lib/x86_64-linux-gnu/libssl.so.3",
        "lib/a/b/libssl.so.3",
        "bin/node",
    }


def test_of_what_was_placed_every_elf_file_at_any_depth(tmp_path: Path) -> None:
    deep = tmp_path / "a/b/c/d/e/f"
    deep.mkdir(parents=True)
    (deep / "any-name").write_bytes(b"\x7fELF")
    (deep / "text").write_text("#!/bin/sh")
    (deep / "empty").touch()
    (deep / "link").symlink_to("any-name")
    os.mkfifo(deep / "pipe")
    found, whole = candidates.of_trees([tmp_path])
    assert ([path.name for path in found], whole) == (["any-name"], True)


def test_too_many_files_are_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "_PLACED", 3)
    for number in range(5):
        (tmp_path / f"{number}").write_bytes(b"\x7fELF")
    found, whole = candidates.of_trees([tmp_path])
    assert (len(found), whole) == (3, False)


@pytest.mark.parametrize("kind", ["folder", "pipe", "nothing"])
def test_what_is_no_file_is_not_opened_for_a_look(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "libssl.so.3"
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(OSError, match=r"regular file|No such file"):
        finder.open_file(str(path))
