"""Which of a folder's files is the program: the one that is named, or the only one it can be."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_ato import elf
from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show

_LIBRARY: Final = (".so", ".a", ".o", ".ko")
_TOLD: Final = 10
_LOOKED_AT: Final = 100_000


def find(tree: Path, name: str, entry: str) -> Path:
    """Return the program below `tree`: `entry`, relative to it, or else the only candidate.

    Candidates are executable ELF programs and scripts. Among several, one that is called as the
    package (`name` without version and suffixes) is it. Raises `UsageError` that lists them.
    """
    if found := find_any(tree, name, entry):
        return found
    raise UsageError(f"target {show(name, 100)} has no program in it; give one with --ato-entry")


def find_any(tree: Path, name: str, entry: str) -> Path | None:
    """As `find`, but None where there is no candidate."""
    if entry:
        return _named(tree, name, entry)
    found = sorted(_candidates(tree), key=lambda path: (len(path.parts), str(path)))
    if len(found) > 1:
        called = [path for path in found if name.startswith(path.stem) and len(path.stem) > 1]
        best = min(map(_rank, called), default=None)
        found = [path for path in called if _rank(path) == best] or found
    if len(found) <= 1:
        return found[0] if found else None
    names = [show(str(path.relative_to(tree)), 100) for path in found[:_TOLD]]
    more = f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    raise UsageError(
        f"target {show(name, 100)} has several programs ({', '.join(names)}{more}); "
        "give one with --ato-entry"
    )


def _rank(path: Path) -> tuple[bool, int]:
    """Programs for users are in bin, and not deep."""
    return path.parent.name not in ("bin", "sbin"), len(path.parts)


def _named(tree: Path, name: str, entry: str) -> Path:
    top = tree.resolve()
    try:
        path = (top / entry).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise UsageError(f"target {show(name, 100)} has no {show(entry, 200)}") from None
    if not path.is_relative_to(top):
        raise UsageError(f"--ato-entry {show(entry, 200)} leads out of {show(name, 100)}")
    return tree / path.relative_to(top)


def _candidates(tree: Path) -> Iterator[Path]:
    looked = 0
    for folder, directories, names in os.walk(tree):
        directories.sort()
        for name in sorted(names):
            looked += 1
            path = Path(folder, name)
            if looked <= _LOOKED_AT and _is_program(path):
                yield path


def _is_program(path: Path) -> bool:
    mode = path.lstat().st_mode
    library = path.suffix in _LIBRARY or ".so." in path.name
    if not stat.S_ISREG(mode) or not mode & 0o111 or library:
        return False
    try:
        with path.open("rb") as file:
            start = file.read(2)
            if start == b"#!":
                return True
            parsed = elf.read(file)
            return parsed.type in (elf.ET_EXEC, elf.ET_DYN)
    except (elf.NotElf, OSError):
        return False
