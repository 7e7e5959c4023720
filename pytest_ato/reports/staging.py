"""Directories that are filled out of sight and then take another's place in one step.

Owns the names ``.ato-staging-*`` and ``.ato-replaced-*`` of a directory, the locks that tell a
leftover of a process that died from the work of one that lives, and the sweep of leftovers.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_STAGING: Final = ".ato-staging-"
_REPLACED: Final = ".ato-replaced-"
_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2  # linux/fs.h
_NOT_SUPPORTED: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK})


def is_reserved(name: str) -> bool:
    """Whether a directory of this name would be taken for a leftover."""
    return name.startswith((_STAGING, _REPLACED))


class Stage:
    """A new directory beside the place that it will take.

    All methods raise `OSError`. The directory is locked (flock) while this process lives.
    """

    def __init__(self, parent: Path) -> None:
        """Make it in `parent`, and sweep what dead processes left there."""
        self._parent = parent
        self.path = parent / f"{_STAGING}{secrets.token_hex(8)}"
        """Where to put the files."""
        with _locked(parent):
            _sweep(parent)
            self.path.mkdir(mode=0o755)
            self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            _try_lock(self._lock)

    def replace(self, place: Path) -> None:
        """Put the directory to `place`, down to the disk; one that was there is gone after it.

        At each moment `place` is the old directory or the new one. Only where the file system
        cannot exchange two names is it neither for an instant; should the process die in that, the
        next sweep puts the old one back.
        """
        os.fsync(self._lock)
        with _locked(self._parent):
            if not place.exists():
                self.path.rename(place)
            elif _exchange(self.path, place):
                pass  # the old one now has the staging name
            else:
                self._move_away_then_in(place)
        _sync(self._parent)

    def _move_away_then_in(self, place: Path) -> None:
        aside = self._parent / f"{_REPLACED}{secrets.token_hex(8)}"
        aside.mkdir(mode=0o700)
        place.rename(aside / place.name)
        self.path.rename(place)
        shutil.rmtree(aside, ignore_errors=True)

    def remove(self) -> None:
        """Remove what has the staging name: the unused directory, or the replaced one."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep other processes of ours from making, replacing or sweeping in `directory`."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # without locks nothing is ever swept
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sweep(parent: Path) -> None:
    """Remove what dead processes left in `parent`; what cannot be removed stays."""
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(parent)):
            if not entry.is_dir(follow_symlinks=False):
                continue
            if entry.name.startswith(_STAGING):
                _remove_if_unlocked(Path(entry.path))
            elif entry.name.startswith(_REPLACED):
                _put_back(Path(entry.path))


def _remove_if_unlocked(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if _try_lock(descriptor):
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(descriptor)


def _put_back(aside: Path) -> None:
    """Return what `_move_away_then_in` had moved to `aside`, unless its successor stands."""
    for old in list(aside.iterdir()):
        place = aside.parent / old.name
        if not place.exists():
            old.rename(place)
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where kernel or file system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    arguments = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if libc.renameat2(*arguments) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_SUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
