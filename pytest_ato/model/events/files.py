"""Calls on files and memory, and the second source for planted files."""

from __future__ import annotations

from typing import Literal

from pytest_ato.model.octets import Octets
from pytest_ato.model.record import Measured, TaskEvent


class FileEvent(TaskEvent, frozen=True, kw_only=True):
    """A system call on a path."""

    call: str
    path: Octets
    """As the program gave it."""
    file: Octets | None = None
    """Absolute path after resolution: the kernel's own for an opened file, else `path` joined
    to the directory it is relative to. None: not known."""
    result: int = 0
    truncated: bool = False
    changed: bool = False
    """The path differed between entry and exit of the call."""
    count: Measured = 1
    """Identical events in a row that this one stands for."""


class Open(FileEvent, tag="open", frozen=True, kw_only=True):
    """open, openat, openat2 or creat."""

    flags: int = 0
    dev: int = 0
    inode: int = 0


class Rename(FileEvent, tag="rename", frozen=True, kw_only=True):
    """rename, renameat or renameat2; `to` and `to_file` are the new name."""

    to: Octets = ""
    to_file: Octets | None = None


class Link(FileEvent, tag="link", frozen=True, kw_only=True):
    """link or symlink: `to` (the new name) leads to `path`."""

    to: Octets = ""
    to_file: Octets | None = None
    symbolic: bool = False


class Unlink(FileEvent, tag="unlink", frozen=True, kw_only=True):
    """unlink, unlinkat or rmdir."""


class Truncate(FileEvent, tag="truncate", frozen=True, kw_only=True):
    """truncate (by path)."""


class Chmod(FileEvent, tag="chmod", frozen=True, kw_only=True):
    """chmod, fchmodat, fchmodat2 (by path) or fchmod (then `file` is the descriptor's)."""

    mode: int = 0


class Map(TaskEvent, tag="map", frozen=True, kw_only=True):
    """mmap or mprotect with PROT_EXEC. `file` is None for anonymous memory."""

    call: str
    prot: int
    flags: int = 0
    address: int = 0
    length: int = 0
    file: Octets | None = None
    dev: int = 0
    inode: int = 0
    links: int = 1
    result: int = 0


class Memfd(TaskEvent, tag="memfd", frozen=True, kw_only=True):
    """memfd_create; `result` is the descriptor."""

    name: Octets
    flags: int = 0
    result: int = 0


class Touch(TaskEvent, tag="touch", frozen=True, kw_only=True):
    """A planted file was used, as fanotify saw it by its inode: whatever the way there.

    The kernel merges events of one process on one file that nobody has read yet, so these are a
    set, never a count. `pid` may have ended.
    """

    dev: int
    inode: int
    path: str
    """One of its names in the sandbox."""
    access: tuple[Literal["open", "read", "write", "close"], ...]
