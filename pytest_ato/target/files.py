"""Reading files of a vendor as bytes: regular files only, never blocking, hashed whole."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from pathlib import Path

from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a block device",
    stat.S_IFCHR: "a character device",
}
_CAUSES = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist (a part of its path is no directory)",
    errno.EACCES: "cannot be read: permission denied",
    errno.EPERM: "cannot be read: permission denied",
    errno.ELOOP: "cannot be read: its links go in a circle",
    errno.ENAMETOOLONG: "cannot exist: its name is too long",
}


def printable(path: str | Path) -> str:
    """Return a path for a message: one line, controls escaped, undecodable bytes as well."""
    return show(os.fsencode(path).decode("utf-8", "backslashreplace"), 300)


def cause(error: OSError) -> str:
    """Say in words why a path cannot be used."""
    return _CAUSES.get(error.errno or 0, f"cannot be read: {error.strerror}")


def kind(mode: int) -> str | None:
    """Name the type of what is no regular file; None for one."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no regular file")


def resolved(path: str | Path, what: str) -> Path:
    """Resolve all links; raises `UsageError` that begins with `what`."""
    try:
        return Path(path).resolve(strict=True)
    except RuntimeError:  # Python before 3.13, for a circle of links
        raise UsageError(f"{what} {printable(path)} {_CAUSES[errno.ELOOP]}") from None
    except OSError as error:
        raise UsageError(f"{what} {printable(path)} {cause(error)}") from None
    except ValueError:
        raise UsageError(f"{what} {printable(path)} has a NUL byte in its path") from None


def open_regular(path: Path, what: str) -> io.BufferedReader:
    """Open a regular file without ever blocking on a pipe or device; raises `UsageError`."""
    try:
        found = kind(path.stat().st_mode)
        if found is None:
            file = open_without_blocking(path)
            found = kind(os.fstat(file.fileno()).st_mode)
            if found is None:
                return file
            file.close()
    except OSError as error:
        raise UsageError(f"{what} {printable(path)} {cause(error)}") from None
    raise UsageError(f"{what} {printable(path)} is {found}, not a file")


def open_without_blocking(path: Path) -> io.BufferedReader:
    """Open for reading; a pipe without a writer returns at once."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")


def sha256(file: io.BufferedReader) -> str:
    """Hash an open file from its beginning, in hex."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()
