"""The upkeep of a log: the append-only attribute, and rotation that keeps the chain.

Both change how the log lies in the file system and never a line of it.
"""

from __future__ import annotations

import array
import fcntl
import os
import secrets
from pathlib import Path
from typing import Final

from pytest_ato.evidence.log import entries
from pytest_ato.evidence.log.chain import Broken, Chain
from pytest_ato.evidence.log.files import LogFile, sync_directory
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
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"cannot open the evidence log {name}: {error.strerror}") from None
    try:
        flags = array.array("l", [0])
        fcntl.ioctl(descriptor, _GETFLAGS, flags)
        flags[0] |= _APPEND
        fcntl.ioctl(descriptor, _SETFLAGS, flags)
        fcntl.ioctl(descriptor, _GETFLAGS, flags)
    except PermissionError:
        raise UsageError(f"only root (CAP_LINUX_IMMUTABLE) can make {name} append-only") from None
    except OSError as error:
        raise UsageError(
            f"the file system of {name} has no append-only attribute ({error.strerror}); "
            "ext4, XFS and btrfs have it"
        ) from None
    finally:
        os.close(descriptor)
    if not flags[0] & _APPEND:
        raise UsageError(f"the file system of {name} ignores the append-only attribute")


def rotate(path: Path) -> Path:
    """Put the lines so far aside, and begin a file that continues them; return the old one.

    At each moment `path` is the old log or the new one. Raises `SigningError` for a log that is
    not whole, and where the file system refuses.
    """
    if not path.is_file():
        raise UsageError(f"there is no evidence log {show(str(path), 300)}")
    file = LogFile(path)
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
            return _exchange(path, chain)
    finally:
        file.close()


def _exchange(path: Path, chain: Chain) -> Path:
    aside = path.with_name(f"{path.name}.{chain.tree.size}")
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(draft, flags, 0o644), "wb") as new:
            new.write(entries.encode_start(chain.as_start()) + b"\n")
            new.flush()
            os.fsync(new.fileno())
        os.link(path, aside)
        draft.rename(path)
        sync_directory(path.parent)
    except OSError as error:
        raise SigningError(
            f"cannot rotate {show(str(path), 300)}: {error.strerror} "
            "(an append-only log needs chattr -a first)"
        ) from None
    finally:
        draft.unlink(missing_ok=True)
    return aside
