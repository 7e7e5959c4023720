"""Puts the target and its companions into the sandbox's root, as copies.

A bind would show its source path in the list of mounts, and would carry owner and mode along that
may lock the unprivileged user out. Copies are root's, readable by all, executable where the source
is; links stay links, so none brings a file of the host in; devices, sockets and pipes are left out.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NoReturn

from pytest_ato.capture.sandbox.errors import SandboxError
from pytest_ato.capture.sandbox.rootfs import Bind, make_directories
from pytest_ato.model.errors import UsageError
from pytest_ato.model.spec import Placed, Target

_OWN = ("/dev", "/proc", "/sys")
_CHUNK = 1 << 26


def place(
    placed: Iterable[Placed], root: Path, shown: Sequence[str], writable: Mapping[str, Path]
) -> list[Bind]:
    """Copy each item to its `dest` below `root`.

    `shown` are paths of the host that the sandbox shows as they are: what is to keep its place
    there is left to them. `writable` maps the writable paths of the sandbox to their directories:
    what lies below one is bound over it, read-only; the binds are returned. Raises UsageError for a
    `dest` that cannot be, SandboxError for a failing copy.
    """
    binds = []
    for item in placed:
        if item.source == item.dest and _is_below(item.dest, shown):
            continue
        dest = _checked(item.dest, shown)
        try:
            directory = stat.S_ISDIR(os.lstat(item.source).st_mode)
            copy = make_directories(root, dest.parts[1:-1]) / dest.name
            if directory:
                copy.mkdir()
                copy_tree(item.source, copy)
            else:
                _copy_file(item.source, copy)
            for path in writable:
                if dest.is_relative_to(path):
                    _make_mount_point(writable[path], dest.relative_to(path), directory)
                    binds.append(Bind(copy, str(dest)))
        except OSError as error:
            raise _explained(item, error) from error
    return binds


def _make_mount_point(top: Path, inside: PurePosixPath, directory: bool) -> None:
    point = make_directories(top, inside.parts[:-1]) / inside.name
    if directory:
        point.mkdir()
    else:
        point.touch(exist_ok=False)


def verify(target: Target, root: Path) -> None:
    """Raise SandboxError unless the sandbox shows the very program that was hashed."""
    source = target.placed[0].source
    copy = root / target.program.lstrip("/")
    shown = copy if copy.exists() else Path(source)
    if not shown.exists():
        raise SandboxError(
            f"the image of the audit container has no {source}: audit a copy of it outside "
            "/usr, or name an image that has it (--ato-image)"
        )
    with shown.open("rb") as file:
        same = hashlib.file_digest(file, "sha256").hexdigest() == target.program_sha256
    if not same and shown is copy:
        raise SandboxError("the target changed while the audit was prepared: run it again")
    if not same:
        raise SandboxError(
            f"{source} is not the file that was to be audited: it changed meanwhile, or the "
            "image of the audit container has another; audit a copy of it outside /usr"
        )


def _is_below(path: str, tops: Iterable[str]) -> bool:
    return any(PurePosixPath(path).is_relative_to(top) for top in tops)


def _checked(dest: str, shown: Sequence[str]) -> PurePosixPath:
    path = PurePosixPath(dest)
    if not path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
        raise UsageError(f"{dest!r} is no place in the sandbox: give an absolute path")
    for mount in (*shown, *_OWN):
        if path.is_relative_to(mount) or PurePosixPath(mount).is_relative_to(path):
            raise UsageError(f"nothing can be placed at {dest}: {mount} is the sandbox's own")
    return path


def _explained(item: Placed, error: OSError) -> Exception:
    if error.errno == errno.ENOSPC:
        return UsageError(f"{item.source} does not fit into the memory for the sandbox's files")
    if isinstance(error, FileExistsError):
        return UsageError(f"nothing can be placed at {item.dest}: something else is there already")
    return SandboxError(f"cannot place {item.source}: {error.strerror or error}")


def copy_tree(source: str, dest: Path) -> None:
    """Fill the empty directory `dest`; what are several names of one file stay that."""
    linked: dict[int, Path] = {}
    for folder, directories, files, handle in os.fwalk(source, onerror=_raise):
        here = dest / os.path.relpath(folder, source)
        here.chmod(0o755)
        for name in directories + files:
            kind = os.lstat(name, dir_fd=handle).st_mode
            if stat.S_ISDIR(kind):
                (here / name).mkdir()
            elif stat.S_ISLNK(kind):
                (here / name).symlink_to(os.readlink(name, dir_fd=handle))
            elif stat.S_ISREG(kind):
                _copy_once(name, here / name, handle, linked)


def _copy_once(name: str, dest: Path, folder: int, linked: dict[int, Path]) -> None:
    status = os.lstat(name, dir_fd=folder)
    known = linked.get(status.st_ino)
    if known is not None:
        dest.hardlink_to(known)
        return
    _copy_file(name, dest, folder)
    if status.st_nlink > 1:
        linked[status.st_ino] = dest


def _copy_file(source: str, dest: Path, folder: int | None = None) -> None:
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    try:
        status = os.fstat(reader)
        if not stat.S_ISREG(status.st_mode):
            raise SandboxError(f"cannot place {source}: not a regular file")
        writer = os.open(dest, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            while os.sendfile(writer, reader, None, _CHUNK):
                pass
            os.fchmod(writer, 0o755 if status.st_mode & 0o111 else 0o644)
            os.utime(writer, ns=(status.st_mtime_ns, status.st_mtime_ns))
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def _raise(error: OSError) -> NoReturn:
    raise error
