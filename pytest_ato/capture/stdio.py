"""The target's standard streams: pipes of its own, seen as bounded `Output` events.

Owns feeding its input and reading its output without ever waiting for it; the descriptors stay the
sandbox's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from typing import Literal

from pytest_ato.capture.sandbox.process import Stdio
from pytest_ato.model.events import Output
from pytest_ato.model.octets import octets

_READ = 1 << 20
_PIPE = 1 << 20
"""Room in a pipe: between two looks of ours a busy writer fills the usual 64 KiB many times."""
_ROUNDS = 64
"""Reads of one stream a turn: a target that prints without end does not keep the loop."""


class StandardStreams:
    """Feeds `data` and keeps the first `limit` bytes of each output stream."""

    def __init__(
        self, stdio: Stdio, close_stdin: Callable[[], None], data: bytes, limit: int
    ) -> None:
        self._stdin = stdio.stdin
        self._close_stdin = close_stdin
        self._data: memoryview | None = memoryview(data)
        self._limit = limit
        self.open: dict[int, Literal["stdout", "stderr"]] = {
            stdio.stdout: "stdout",
            stdio.stderr: "stderr",
        }
        """Descriptors that may still bring output."""
        self.ended: set[int] = set()
        self.totals = {"stdout": 0, "stderr": 0}
        """All bytes written so far, kept or not."""
        for fd in self.open:
            with contextlib.suppress(OSError):  # a host may allow less
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE)

    def feed(self) -> None:
        """Write what the target's standard input takes now; close it when all was taken."""
        if self._data is None:
            return
        try:
            while self._data:
                self._data = self._data[os.write(self._stdin, self._data[:_READ]) :]
        except BlockingIOError:
            return
        except OSError:  # the target closed it
            pass
        self._close_stdin()
        self._data = None

    def read(self) -> Iterator[Output]:
        """Events for what the target has written since the last call."""
        for fd, stream in list(self.open.items()):
            for _ in range(_ROUNDS):
                try:
                    data = os.read(fd, _READ)
                except BlockingIOError:
                    break
                if not data:
                    del self.open[fd]
                    self.ended.add(fd)
                    break
                kept = data[: max(0, self._limit - self.totals[stream])]
                self.totals[stream] += len(data)
                if kept:
                    yield Output(ts=time.monotonic_ns(), stream=stream, data=octets(kept))
