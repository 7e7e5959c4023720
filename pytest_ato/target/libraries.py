"""Which libraries a program brings along: those that its ``$ORIGIN`` run path names in its folder.

Follows DT_NEEDED through DT_RUNPATH and DT_RPATH as ld.so(8) does, but only inside the program's
own folder and only to ELF shared objects after links are resolved: a run path that points at a
file of the host (a key, a configuration) brings nothing in. Bounded in number.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from pytest_ato import elf
from pytest_ato.target import files

_MAX_LIBRARIES = 256
_ORIGIN = (b"$ORIGIN", b"${ORIGIN}")


def companions(program: Path, parsed: elf.Elf) -> dict[Path, Path]:
    """Libraries to place, as path relative to the program's folder → resolved path.

    The relative path is the name under which the loader looks for it, so links keep their name.
    """
    folder = program.parent
    found: dict[Path, Path] = {}
    inherited = parsed.rpath if not parsed.runpath else ()
    queue = deque([(folder, parsed)])
    while queue and len(found) < _MAX_LIBRARIES:
        origin, current = queue.popleft()
        own = current.runpath or (*current.rpath, *inherited)
        for name in current.needed:
            for candidate in _candidates(folder, origin, own, name):
                relative = candidate.relative_to(folder)
                library = _shared_object(folder, candidate) if relative not in found else None
                if library is not None:
                    path, content = library
                    found[relative] = path
                    queue.append((candidate.parent, content))
                    break
    return found


def _candidates(
    folder: Path, origin: Path, directories: tuple[bytes, ...], name: bytes
) -> Iterator[Path]:
    """Paths inside `folder` at which the loader would look for `name`, in its order."""
    if b"/" in name:
        return
    for directory in directories:
        rest = _below_origin(directory)
        if rest is not None:
            path = Path(os.path.normpath(os.fsdecode(os.fsencode(origin) + rest + b"/" + name)))
            if path.is_relative_to(folder):
                yield path


def _below_origin(directory: bytes) -> bytes | None:
    """Return what follows ``$ORIGIN`` in a run path entry; None when it starts elsewhere."""
    for variable in _ORIGIN:
        if directory.startswith(variable):
            rest = directory[len(variable) :]
            return rest if not rest or rest.startswith(b"/") else None
    return None


def _shared_object(folder: Path, candidate: Path) -> tuple[Path, elf.Elf] | None:
    """Return the resolved path and the content, if it is a shared object inside `folder`."""
    try:
        path = candidate.resolve(strict=True)
        if not path.is_relative_to(folder) or not stat.S_ISREG(path.stat().st_mode):
            return None
        with files.open_without_blocking(path) as file:
            parsed = elf.read(file)
    except (OSError, ValueError, RuntimeError):
        return None
    return (path, parsed) if parsed.type == elf.ET_DYN else None
