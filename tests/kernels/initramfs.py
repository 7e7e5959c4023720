"""The first file system of a booted kernel: busybox, a few modules and init.sh.

Owns which modules come along and their order. All else the machine takes from this one, read-only.
"""

from __future__ import annotations

import gzip
import lzma
import shutil
import subprocess
from pathlib import Path
from typing import Final

import zstandard
from kernel import Kernel

INIT: Final = Path(__file__).with_name("init.sh")
_MODULES: Final = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
"""What it takes to see the root file system; modprobe loads the rest when the kernel asks."""


def make(kernel: Kernel, busybox: Path, folder: Path) -> Path:
    """Write an archive below `folder` and return its path."""
    root = folder / "initramfs"
    (root / "modules").mkdir(parents=True)
    shutil.copy(busybox, root / "busybox")
    shutil.copy(INIT, root / "init")
    (root / "init").chmod(0o755)
    order = _load_order(kernel.modules)
    for path in order:
        (root / "modules" / _plain_name(path)).write_bytes(_plain(path))
    (root / "modules/order").write_text("".join(f"{_plain_name(path)}\n" for path in order))
    archive = folder / "initramfs.cpio"
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with archive.open("wb") as output:
        subprocess.run(
            ["cpio", "--create", "--format=newc", "--quiet"],
            input=names.encode(), stdout=output, cwd=root, check=True,
        )  # fmt: skip
    return archive


def _load_order(modules: Path) -> list[Path]:
    """Return the files of `_MODULES` and what they need, needed ones first (modules.dep(5))."""
    needs: dict[str, list[str]] = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, needed = line.partition(":")
        needs[Path(path).name.split(".")[0]] = [*reversed(needed.split()), path]
    # A module that is not in the list is built into the kernel.
    paths = [path for name in _MODULES for path in needs.get(name, [])]
    return [modules / path for path in dict.fromkeys(paths)]


def _plain_name(path: Path) -> str:
    return f"{path.name.split('.')[0]}.ko"


def _plain(path: Path) -> bytes:
    """Return a module's bytes, which busybox can't unpack."""
    packed = path.read_bytes()
    match path.suffix:
        case ".xz":
            return lzma.decompress(packed)
        case ".zst":
            return zstandard.ZstdDecompressor().decompressobj().decompress(packed)
        case ".gz":
            return gzip.decompress(packed)
    return packed
