"""The upkeep of a log: the append-only attribute, and rotation that keeps the chain.

Both change how the log lies in the file system and never a line of it.
"""

from __future__ import annotations

import array
import fcntl
import glob
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pytest_ato.evidence.log import entries
from pytest_ato.evidence.log.chain import Broken, Chain
from pytest_ato.evidence.log.files import LogFile, segments, sync_directory
from pytest_ato.model.errors import SigningError, UsageError
from pytest_ato.model.octets import show

_GETFLAGS: Final = 0x80086601  # FS_IOC_GETFLAGS, linux/fs.h, 64-bit
_SETFLAGS: Final = 0x40086602
_APPEND: Final = 0x20  # FS_APPEND_FL


def harden(path: Path) -> None:
    """Set the append-only attribute of a log (``chattr +a``), which only root can take back.

    Raises `UsageError` where the file system has none or this user may not.
    """
    name = show(str(path), 300)
    try:
        kept = _append_only(path, True)
    except PermissionError:
        raise UsageError(f"only root (CAP_LINUX_IMMUTABLE) can make {name} append-only") from None
    except FileNotFoundError:
        raise UsageError(f"there is no evidence log {name}") from None
    except OSError as error:
        raise UsageError(
            f"the file system of {name} has no append-only attribute ({error.strerror}); ext4, "
            "XFS, btrfs and, since Linux 6.6, tmpfs have it"
        ) from None
    if not kept:
        raise UsageError(f"the file system of {name} ignores the append-only attribute")


def rotate(path: Path) -> Path:
    """Put the lines so far aside, and begin a file that continues them; return the old one.

    At each moment `path` is the old log or the new one. A hardened log is not for as long as that
    takes, and both files are afterwards. Raises `SigningError` for a log that is not whole, and
    where the file system refuses.
    """
    if not path.is_file():
        raise UsageError(f"there is no evidence log {show(str(path), 300)}")
    file = LogFile(path, "--log")
    try:
        with file.locked():
            chain = Chain()
            data = b"".join(file.read(0))
            try:
                *lines, rest = data.split(b"\n")
                for line in lines:
                    chain.feed(line)
                chain.finish()
                if rest:
                    raise Broken(f"line {chain.lines + 1} is torn; append a record to mend it")
            except Broken as error:
                raise SigningError(f"{show(str(path), 300)} is not whole: {error}") from None
            if chain.tree.size == chain.start:
                raise UsageError(f"{show(str(path), 300)} has no record yet")
            try:
                return _exchange(path, chain)
            except OSError as error:
                who = " (only root rotates a hardened log)" * isinstance(error, PermissionError)
                raise SigningError(
                    f"cannot rotate {show(str(path), 300)}: {error.strerror}{who}"
                ) from None
    finally:
        file.close()


def _exchange(path: Path, chain: Chain) -> Path:
    """Put a new file at `path` and the one that is there aside; raises `OSError`."""
    aside = path.with_name(f"{path.name}.{chain.tree.size}")
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    for left in path.parent.glob(f".{glob.escape(path.name)}-*"):  # by one that was killed
        left.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(draft, flags, 0o644), "wb") as new:
            new.write(entries.encode_start(chain.as_start()) + b"\n")
            new.flush()
            os.fsync(new.fileno())
        with _lifted(path, (path, aside)):
            for left in segments(path, also_links=True):
                if left.samefile(path):  # by one that was killed between the next two steps
                    left.unlink()
            os.link(path, aside)
            draft.rename(path)
        sync_directory(path.parent)
    finally:
        draft.unlink(missing_ok=True)
    return aside


@contextmanager
def _lifted(path: Path, after: tuple[Path, ...]) -> Iterator[None]:
    """Lift a log's append-only attribute, if it has it, and set it on the files of `after`."""
    try:
        hardened = _append_only(path)
    except OSError:  # a file system without attributes
        hardened = False
    if not hardened:
        yield
        return
    _append_only(path, False)
    try:
        yield
    finally:
        for each in after:
            if each.exists():
                _append_only(each, True)


def _append_only(path: Path, wanted: bool | None = None) -> bool:
    """Set or clear the attribute; return whether the file has it. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        flags = array.array("l", [0])
        fcntl.ioctl(descriptor, _GETFLAGS, flags)
        if wanted is not None:
            flags[0] = flags[0] | _APPEND if wanted else flags[0] & ~_APPEND
            fcntl.ioctl(descriptor, _SETFLAGS, flags)
            fcntl.ioctl(descriptor, _GETFLAGS, flags)
        return bool(flags[0] & _APPEND)
    finally:
        os.close(descriptor)
