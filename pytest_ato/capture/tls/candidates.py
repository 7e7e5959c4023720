"""Which files are looked into before a target starts: known libraries, and what it brings along.

Owns the names under which TLS libraries lie on a system, and the walk over what was placed.
Everything else is looked into when it is mapped: to read all programs of a system would take longer
than most audits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from pytest_ato import elf

_LIBRARY: Final = re.compile(r"lib(ssl|gnutls|nspr4|boringssl)([-.\d]*|-[0-9a-f]+)\.so[.\d]*")
"""With a version, or the digest that a bundled library has in its name."""
_PROGRAMS: Final = ("node", "nodejs")
"""Programs of every system that have a TLS library inside."""
_FOLDERS: Final = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/opt")
_BINARIES: Final = ("/usr/bin", "/usr/local/bin")
_NO_LIBRARY_OF_TLS: Final = re.compile(r"libssl3\.so")
"""NSS's own, whose functions are NSPR's."""
_DEPTH: Final = 2
_SYSTEM: Final = 256
_PLACED: Final = 4096


def is_library(name: str) -> bool:
    """Whether a file of that name should have functions to watch."""
    return bool(_LIBRARY.fullmatch(name)) and not _NO_LIBRARY_OF_TLS.fullmatch(name)


def of_host() -> list[str]:
    """Paths of the host's libraries and programs that are known for it; links are resolved."""
    found = (path for folder in _FOLDERS for path in _libraries(folder, _DEPTH))
    programs = (f"{folder}/{name}" for folder in _BINARIES for name in _PROGRAMS)
    every = (os.path.realpath(path) for path in (*found, *programs))
    return list(islice(dict.fromkeys(path for path in every if Path(path).is_file()), _SYSTEM))


def _libraries(folder: str, depth: int) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if is_library(entry.name):
            yield entry.path
        elif depth and entry.is_dir(follow_symlinks=False):
            yield from _libraries(entry.path, depth - 1)


def of_trees(tops: Iterable[Path]) -> tuple[list[Path], bool]:
    """The ELF files among `tops` and below; and whether these are all."""
    found: list[Path] = []
    for count, path in enumerate(_files(tops)):
        if count >= _PLACED:
            return found, False
        if _is_elf(path):
            found.append(path)
    return found, True


def of_image(root: Path) -> list[Path]:
    """Of an image's files those that are known for it; the rest is looked into when it is mapped,
    as a host's is."""
    return [path for path in _files([root]) if _is_known(path.name) and _is_elf(path)][:_SYSTEM]


def _is_known(name: str) -> bool:
    return is_library(name) or name in _PROGRAMS


def _files(tops: Iterable[Path]) -> Iterator[Path]:
    for top in tops:
        if not top.is_dir():
            yield top
        for folder, _, names in os.walk(top):
            yield from (Path(folder, name) for name in sorted(names))


def _is_elf(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.pread(descriptor, len(elf.MAGIC), 0) == elf.MAGIC
    except OSError:
        return False
    finally:
        os.close(descriptor)
