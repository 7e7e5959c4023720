"""The file of a log: opened so that it can only grow, locked, read from where one was.

Owns descriptors, locks and what the file system may refuse. Knows nothing of what lines say.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_ato import ownership
from pytest_ato.model.errors import SigningError
from pytest_ato.model.octets import show

_BLOCK: Final = 1 << 20
OPTION: Final = "--ato-evidence-log"
"""What names the log of audits."""


class LogError(SigningError):
    """The log cannot be used, or not be written to; no key has to do with it."""

    kind = "log"


class LogFile:
    """An open log. All methods raise `SigningError`, with the path and the reason."""

    def __init__(self, path: Path, option: str = OPTION) -> None:
        """`option`: by which the user gives another path, as errors tell."""
        self.path = path
        self.option = option
        self._descriptor = -1
        self.opened = 0
        """How often a file was opened: what is known of an earlier one is void."""

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the file that is now at the path, making it where there is none."""
        try:
            while True:
                if self._descriptor < 0:
                    self._open()
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
                if self._still_there():
                    break
                self.close()  # it was rotated while we waited
        except OSError as error:
            self.close()
            raise self._failed(error) from None
        try:
            yield
        finally:
            if self._descriptor >= 0:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def size(self) -> int:
        """Bytes that it has now."""
        return os.fstat(self._descriptor).st_size

    def read(self, offset: int) -> Iterator[bytes]:
        """Yield what is in it from `offset` on, block by block."""
        try:
            while block := os.pread(self._descriptor, _BLOCK, offset):
                offset += len(block)
                yield block
        except OSError as error:
            raise self._failed(error) from None

    def append(self, data: bytes) -> None:
        """Write all of `data` at the end, down to the disk; or, as far as it can be, nothing."""
        before = self.size()
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except BaseException as error:
            # Nobody was told that any of it is there. An append-only file keeps what it got; the
            # next append then repairs it.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, before)
                os.fsync(self._descriptor)
            if isinstance(error, OSError):
                raise self._failed(error) from None
            raise

    def close(self) -> None:
        """Close it, which gives up the lock; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(self.path, flags)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, flags | os.O_CREAT, 0o644)
            sync_directory(self.path.parent)
        self._descriptor = descriptor
        self.opened += 1
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise LogError(f"the evidence log {show(str(self.path))} is no regular file")
        if not ownership.is_ours(found.st_uid) or found.st_mode & 0o002:
            raise LogError(
                f"the evidence log {show(str(self.path))} can be changed by others (owner "
                f"{found.st_uid}, mode {found.st_mode & 0o777:04o}): give another with "
                f"{self.option}, or chown and chmod it"
            )

    def _still_there(self) -> bool:
        ours = os.fstat(self._descriptor)
        try:
            there = self.path.lstat()
        except FileNotFoundError:
            return False
        return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)

    def _failed(self, error: OSError) -> LogError:
        return LogError(
            f"the evidence log {show(str(self.path))} cannot be written: {error.strerror}; "
            "nothing was recorded"
        )


def sync_directory(path: Path) -> None:
    """Have the names in a directory on the disk; raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def segments(path: Path, *, also_links: bool = False) -> list[Path]:
    """Return what was rotated away from `path`, the oldest first.

    `also_links`: with other names of the log itself, as a rotation leaves that was killed.
    """
    found = [
        each
        for each in path.parent.glob(f"{glob.escape(path.name)}.*")
        if each.suffix[1:].isdigit()
    ]
    if not also_links and path.exists():
        found = [each for each in found if not each.samefile(path)]
    return sorted(found, key=lambda each: int(each.suffix[1:]))
