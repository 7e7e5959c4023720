"""Files of a vendor, made as a test needs them."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest


@pytest.fixture
def executable(tmp_path: Path) -> Callable[..., Path]:
    """Write an executable file."""

    def make(name: str, content: bytes, mode: int = 0o755) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
        return path

    return make


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[..., Path]:
    """Compile an empty program or library with gcc; `options` go to the linker's command line."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")

    def make(name: str, *options: str, library: bool = False) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        body = b"int lib(void){return 0;}" if library else b"int main(void){return 0;}"
        kind = ["-shared", "-fPIC"] if library else []
        subprocess.run(
            [
                "gcc",
                "-x",
                "c",
                "-",
                *kind,
                "-o",
                str(path),
                "-x",
                "none",
                "-Wl,--no-as-needed",
                *options,
            ],
            input=body,
            check=True,
            cwd=tmp_path,
        )
        return path

    return make


def elf(
    machine: int = 62,
    kind: int = 2,
    dynamic: Iterable[tuple[int, int]] = (),
    strings: bytes = b"\0",
    interpreter: bytes = b"",
) -> bytes:
    """A 64-bit little-endian ELF file of three segments, mapped at address 0."""
    count = 3
    table = 64 + 56 * count
    dyn = b"".join(struct.pack("<qQ", tag, value) for tag, value in dynamic)
    strings_at, dyn_at = table, table + len(strings)
    interp_at = dyn_at + len(dyn)
    size = interp_at + len(interpreter)
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)

    def segment(type_: int, offset: int, length: int) -> bytes:
        return struct.pack("<IIQQQQQQ", type_, 4, offset, offset, offset, length, length, 1)

    segments = segment(1, 0, size) + segment(2, dyn_at, len(dyn))
    segments += segment(3, interp_at, len(interpreter)) if interpreter else segment(0, 0, 0)
    assert strings_at == len(header) + len(segments)
    return header + segments + strings + dyn + interpreter


@pytest.fixture
def make_elf() -> Callable[..., bytes]:
    """The bytes of a small ELF file."""
    return elf
