"""The target's writable space: one tmpfs of bounded size, its directories, the planted files.

Owns what the target finds in its home before it starts. Each directory is bound to its place by
itself, so the list of mounts shows no more than ``/home`` or ``/tmp`` of a tmpfs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pytest_ato.model.spec import PlantFile

WORK = "work"
"""The working directory, in the home: a program that reads all it finds there meets no plant."""


@dataclass(frozen=True)
class PlantedFile:
    """A planted file as the target sees it, and what it is whatever its name."""

    path: str
    dev: int
    inode: int
    host: str
    """Where this process sees it."""


def build(data: Path, *, uid: int, home: str) -> dict[str, Path]:
    """Make the directories in the empty `data`; return path in the sandbox to directory."""
    shared = {"/tmp": "tmp", "/var/tmp": "vartmp", "/dev/shm": "shm"}  # noqa: S108
    for name in shared.values():
        (data / name).mkdir()
        (data / name).chmod(0o1777)
    for name in ("home", f"home/{WORK}"):
        (data / name).mkdir()
        (data / name).chmod(0o755)
        os.chown(data / name, uid, uid)
    own = {home: data / "home", "/root": data / "home"}
    return own | {path: data / name for path, name in shared.items()}


def shared(data: Path) -> Path:
    """Make, in the empty `data`, the directory of shared memory alone; return it."""
    place = data / "shm"
    place.mkdir()
    place.chmod(0o1777)
    return place


def plant(file: PlantFile, directory: Path, *, uid: int, home: str) -> PlantedFile:
    """Write one file below the target's home, `directory`, as the target's own.

    New directories above it are private (0700) and as old as it. Raises ValueError for a path that
    leaves the home, OSError (ENOSPC: larger than the disk limit).
    """
    relative = PurePosixPath(file.path)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise ValueError(f"{file.path!r} is no path below the home directory")
    path = directory / relative
    made = _make_parents(directory, path.parent, uid)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as writer:
        writer.write(file.content)
        os.fchmod(writer.fileno(), file.mode)
        os.fchown(writer.fileno(), uid, uid)
        status = os.fstat(writer.fileno())
    for dated in (path, *made) if file.mtime else ():
        os.utime(dated, (file.mtime, file.mtime))
    return PlantedFile(f"{home}/{relative}", status.st_dev, status.st_ino, str(path))


def _make_parents(top: Path, directory: Path, uid: int) -> list[Path]:
    missing = []
    while directory != top and not directory.exists():
        missing.append(directory)
        directory = directory.parent
    for path in reversed(missing):
        path.mkdir(mode=0o700)
        os.chown(path, uid, uid)
    return missing


def is_full(data: Path) -> bool:
    """Whether the space, or the number of files, is used up."""
    status = os.statvfs(data)
    return status.f_bavail == 0 or status.f_favail == 0
