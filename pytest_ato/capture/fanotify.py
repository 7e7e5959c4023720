"""The second source for files that matter: fanotify marks on planted files, by inode.

Owns the marks and their queue. Whatever way a program takes to a file (another system call, another
ABI, io_uring, a hard link, a descriptor got from elsewhere), the file itself tells.

Source: fanotify(7), Linux 2.6.37; the queue without limit needs CAP_SYS_ADMIN.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import sys
import termios
import time
from collections.abc import Iterable
from typing import Final, Literal

from pytest_ato.capture.sandbox.writable import PlantedFile
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.events import Lost, Touch
from pytest_ato.model.record import Event

Access = Literal["open", "read", "write", "close"]

_FAN_CLOEXEC, _FAN_NONBLOCK, _FAN_UNLIMITED_QUEUE, _FAN_UNLIMITED_MARKS = 0x1, 0x2, 0x10, 0x20
_FAN_MARK_ADD: Final = 0x1
_FAN_Q_OVERFLOW: Final = 0x4000
_ACCESS: Final[dict[int, Access]] = {
    0x1: "read",
    0x2: "write",
    0x8: "close",  # after writing
    0x10: "close",
    0x20: "open",
}
_ALL: Final = sum(_ACCESS)
# struct fanotify_event_metadata: event_len, vers, reserved, metadata_len, mask, fd, pid
_EVENT: Final = struct.Struct("=IBBHQii")


class FileMarks:
    """Marks on the files of one audit."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        flags = _FAN_CLOEXEC | _FAN_NONBLOCK | _FAN_UNLIMITED_QUEUE | _FAN_UNLIMITED_MARKS
        self._fd = self._libc.fanotify_init(flags, os.O_RDONLY | os.O_CLOEXEC)
        if self._fd < 0:
            reason = os.strerror(ctypes.get_errno())
            raise CaptureUnavailable(f"the kernel refuses fanotify: {reason}; run as root")
        self._names: dict[tuple[int, int], str] = {}

    def add(self, files: Iterable[PlantedFile]) -> None:
        """Mark files, which lie at their `host` paths; raises CaptureUnavailable."""
        for file in files:
            path = os.fsencode(file.host)
            if self._libc.fanotify_mark(self._fd, _FAN_MARK_ADD, ctypes.c_uint64(_ALL), -1, path):
                reason = os.strerror(ctypes.get_errno())
                raise CaptureUnavailable(f"the kernel refuses a mark on {file.path}: {reason}")
            self._names[file.dev, file.inode] = file.path

    def read(self) -> list[Event]:
        """Return what happened to marked files until now; never waits.

        Raises OSError when no descriptor is left for an event, which is then lost.
        """
        found: list[Event] = []
        queued = fcntl.ioctl(self._fd, termios.FIONREAD, bytes(4))
        for _ in range(int.from_bytes(queued, sys.byteorder) // _EVENT.size):
            # One at a time: about one of several that it has no descriptor for, the kernel keeps
            # quiet. And no more than were there: a target may touch files faster than we read.
            *_, mask, fd, pid = _EVENT.unpack(os.read(self._fd, _EVENT.size))
            found += self._event(mask, fd, pid)
        return found

    def _event(self, mask: int, fd: int, pid: int) -> list[Event]:
        now = time.monotonic_ns()
        if mask & _FAN_Q_OVERFLOW or fd < 0:
            return [Lost(ts=now, source="fanotify", reason="the queue of file marks overflowed")]
        try:
            status = os.fstat(fd)
        finally:
            os.close(fd)  # each event holds one
        if pid == os.getpid():
            return []
        identity = (status.st_dev, status.st_ino)
        access = tuple(dict.fromkeys(name for bit, name in _ACCESS.items() if mask & bit))
        return [
            Touch(
                ts=now,
                pid=pid,
                dev=status.st_dev,
                inode=status.st_ino,
                path=self._names.get(identity, ""),
                access=access,
            )
        ]

    def close(self) -> None:
        """Give the marks up; may be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
