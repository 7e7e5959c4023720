"""Kernel headers for what is compiled on the machine it runs on.

Owns finding them. Never those that BCC would unpack below /tmp, where anybody may have put others
before it.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_ato.model.errors import CaptureUnavailable

MODULES: Final = Path("/lib/modules")
_ARCHITECTURES: Final = {"x86_64": "x86", "aarch64": "arm64"}
_BUILT: Final = ("", "/generated/uapi", "/generated", "/uapi")


@dataclass(frozen=True)
class Headers:
    """The headers of one kernel; Debian keeps what is generated in a tree of its own."""

    source: Path
    """Tree that has include/linux."""
    build: Path
    """Tree that has include/generated; the same one, mostly."""

    def flags(self) -> tuple[str, ...]:
        """What a compiler that looks through `source` by itself needs for the other tree."""
        if self.build == self.source:
            return ()
        machine = platform.machine()
        own = self.build / "arch" / _ARCHITECTURES.get(machine, machine) / "include"
        return tuple(f"-I{tree}{sub}" for sub in _BUILT for tree in (own, self.build / "include"))


def find(release: str = os.uname().release, modules: Path | None = None) -> Headers:
    """Return the headers of the running kernel, else those of the newest one that has some.

    Others will do for programs that read no structure of the kernel. `modules` is `MODULES` unless
    told. Raises CaptureUnavailable.
    """
    modules = modules or MODULES
    for folder in (modules / release, *_newest_first(modules)):
        build = (folder / "build").resolve()
        for source in ((folder / "source").resolve(), build):
            if _has(source, "linux/kconfig.h") and _has(build, "generated/autoconf.h"):
                return Headers(source, build)
    raise CaptureUnavailable(
        f"no kernel headers below {modules}: apt-get install linux-headers-{release} "
        "(or linux-headers-amd64: those of another kernel will do)"
    )


def _has(tree: Path, header: str) -> bool:
    return (tree / "include" / header).is_file()


def _newest_first(modules: Path) -> Iterator[Path]:
    if not modules.is_dir():
        return iter(())
    return iter(sorted(modules.iterdir(), key=_version, reverse=True))


def _version(folder: Path) -> tuple[tuple[int, ...], str]:
    """Release as numbers: 6.10 is newer than 6.9."""
    return tuple(int(number) for number in re.findall(r"\d+", folder.name)), folder.name
