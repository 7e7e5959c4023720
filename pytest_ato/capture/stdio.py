"""The target's standard streams: pipes of its own, seen as bounded `Output` events.

Owns feeding its input and reading its output without ever waiting for it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Literal

from pytest_ato.model.events import Output
from pytest_ato.model.octets import octets

_READ = 1 << 16
_ROUNDS = 64
"""Reads of one stream a turn: a target that prints without end does not keep the loop."""


class StandardStreams:
    """Our ends of the three pipes, non-blocking; the first `limit` bytes of each are kept."""

    def __init__(self, stdin: int, stdout: int, stderr: int, data: bytes, limit: int) -> None:
        self._stdin: int | None = stdin
        self._data = memoryview(data)
        self._limit = limit
        self._open: dict[Literal["stdout", "stderr"], int] = {"stdout": stdout, "stderr": stderr}
        self.totals = {"stdout": 0, "stderr": 0}
        """All bytes written so far, kept or not."""
        for fd in (stdin, stdout, stderr):
            os.set_blocking(fd, False)

    def feed(self) -> None:
        """Write what the target's standard input takes now; close it when all was taken."""
        if self._stdin is None:
            return
        try:
            while self._data:
                self._data = self._data[os.write(self._stdin, self._data[:_READ]) :]
        except BlockingIOError:
            return
        except OSError:  # the target closed it
            pass
        os.close(self._stdin)
        self._stdin = None

    def read(self) -> Iterator[Output]:
        """Events for what the target has written since the last call."""
        for stream, fd in list(self._open.items()):
            for _ in range(_ROUNDS):
                try:
                    data = os.read(fd, _READ)
                except BlockingIOError:
                    break
                if not data:
                    os.close(self._open.pop(stream))
                    break
                kept = data[: max(0, self._limit - self.totals[stream])]
                self.totals[stream] += len(data)
                if kept:
                    yield Output(ts=time.monotonic_ns(), stream=stream, data=octets(kept))

    def close(self) -> None:
        """Close what is still open."""
        descriptors = [*self._open.values()]
        if self._stdin is not None:
            descriptors.append(self._stdin)
        self._open.clear()
        self._stdin = None
        for fd in descriptors:
            with contextlib.suppress(OSError):
                os.close(fd)
