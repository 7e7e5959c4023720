"""Tools whose work it is to produce programs: compilers, linkers, archivers, package managers.

Owns their names. A name counts only for an image of the system's: a program that the target
brought is not trusted for what it calls itself.
"""

from __future__ import annotations

import re
from typing import Final

from pytest_ato.detectors.paths import text
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.programs import base_name, is_interpreter
from pytest_ato.model.octets import Octets

_SYSTEM: Final = ("/usr/", "/bin/", "/sbin/", "/lib/")
_TOOL: Final = re.compile(
    r"(?:[a-z0-9_]+-)*(?:"
    r"ld(?:\.[a-z]+)?|lld|mold|collect2|gcc|g\+\+|cc1(?:plus|obj)?|clang(?:\+\+)?|tcc|rustc|link|"
    r"lto1|lto-wrapper|as|ar|ranlib|strip|objcopy|patchelf|"
    r"tar|bsdtar|gzip|bzip2|xz|zstd|lz4|unzip|7z[ar]?|cpio|unsquashfs|jar|"
    r"dpkg|dpkg-deb|rpm|rpm2cpio|git"
    r")(?:-[0-9.]+)?"
)
_APPLETS: Final = frozenset({"tar", "gzip", "gunzip", "unzip", "bunzip2", "unxz", "cpio", "ar"})
_PACKAGERS: Final = frozenset({"pip", "ensurepip", "venv", "virtualenv"})
_PACKAGER_SCRIPT: Final = re.compile(r"(?:pip|virtualenv)[0-9.]*")


def is_builder(process: ProcessState) -> bool:
    """Whether what the process writes is a product or an unpacked copy, as far as names tell."""
    if is_packager(process):
        return True
    if not text(process.file).startswith(_SYSTEM):
        return False
    name = base_name(process.file)
    if name == "busybox":
        return any(base_name(word) in _APPLETS for word in process.argv[:2])
    return _TOOL.fullmatch(name) is not None


def is_packager(process: ProcessState) -> bool:
    """Whether the process is pip, venv or the like, or works for one."""
    return any(_is_packager(state) for state in (process, *process.ancestors))


def _is_packager(state: ProcessState) -> bool:
    if not text(state.file).startswith(_SYSTEM) or not is_interpreter(state.file):
        return False
    words = [text(word) for word in state.argv]
    module = _after(words, "-m")
    return module in _PACKAGERS or any(_is_packager_script(word) for word in words[1:2])


def _after(words: list[str], option: str) -> str:
    position = words.index(option) + 1 if option in words else len(words)
    return words[position] if position < len(words) else ""


def _is_packager_script(path: Octets) -> bool:
    is_script = _PACKAGER_SCRIPT.fullmatch(base_name(path)) is not None
    return is_script and text(path).startswith(_SYSTEM)
