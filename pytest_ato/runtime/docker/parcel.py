"""An audit's files on their way into the container: a tar of copies, and the order that names them.

Owns what is sent: regular files, folders and links as they are, owned by root, without setuid bits;
devices, sockets and pipes stay behind. Follows no link.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from typing import IO

import msgspec

from pytest_ato.model.container import INBOX
from pytest_ato.model.errors import UsageError
from pytest_ato.model.spec import AuditSpec, Placed

PLACE, _FOLDER = INBOX.rsplit("/", 1)
"""Where the tar is to be unpacked, and the folder that it makes there."""


def addressed(spec: AuditSpec) -> AuditSpec:
    """The order as capture gets it: what is sent lies in the inbox there."""
    target = spec.target
    placed = tuple(
        item if _stays(item) else Placed(f"{INBOX}/{spec.run_id}/{number}", item.dest)
        for number, item in enumerate(target.placed)
    )
    return msgspec.structs.replace(spec, target=msgspec.structs.replace(target, placed=placed))


def pack(spec: AuditSpec, file: IO[bytes]) -> None:
    """Write the tar of all that is sent; raises UsageError for what cannot be read."""
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for name in (_FOLDER, f"{_FOLDER}/{spec.run_id}"):
            _add_folder(tar, name, 0o700)
        for number, item in enumerate(spec.target.placed):
            if not _stays(item):
                try:
                    _add(tar, item.source, f"{_FOLDER}/{spec.run_id}/{number}", None)
                except OSError as error:
                    raise UsageError(
                        f"cannot send {item.source} to the container: {error.strerror or error}"
                    ) from error


def _stays(item: Placed) -> bool:
    """A program of the system is the image's own there: capture compares it with the order."""
    return item.source == item.dest and item.source.startswith("/usr/")


def _add(tar: tarfile.TarFile, source: str, name: str, folder: int | None) -> None:
    """Add one file, or a folder with all in it."""
    status = os.stat(source, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISREG(status.st_mode):
        _add_file(tar, source, name, folder)
    elif stat.S_ISLNK(status.st_mode):
        entry = _entry(name, status)
        entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(source, dir_fd=folder)
        tar.addfile(entry)
    elif stat.S_ISDIR(status.st_mode):
        _add_tree(tar, source, name, folder)


def _add_tree(tar: tarfile.TarFile, source: str, name: str, folder: int | None) -> None:
    _add_folder(tar, name, 0o755)
    handle = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        for inside in sorted(_names(handle)):
            _add(tar, inside, f"{name}/{inside}", handle)
    finally:
        os.close(handle)


def _names(handle: int) -> Iterator[str]:
    with os.scandir(handle) as entries:
        yield from (entry.name for entry in entries)


def _add_file(tar: tarfile.TarFile, source: str, name: str, folder: int | None) -> None:
    handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode):
            entry = _entry(name, status)
            entry.size = status.st_size
            tar.addfile(entry, file)


def _add_folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    tar.addfile(entry)


def _entry(name: str, status: os.stat_result) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode = 0o755 if status.st_mode & 0o111 else 0o644
    entry.mtime = int(status.st_mtime)
    return entry
