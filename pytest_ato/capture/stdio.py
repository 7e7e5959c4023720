"""The target's standard streams: pipes of its own, seen as bounded `Output` events.

Owns feeding its input and reading its output without ever waiting for it; the descriptors stay the
sandbox's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Literal

from pytest_ato.capture.sandbox.process import Stdio
from pytest_ato.model.events import Output
from pytest_ato.model.octets import octets

_READ = 1 << 16
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
        self._open: dict[Literal["stdout", "stderr"], int] = {
            "stdout": stdio.stdout,
            "stderr": stdio.stderr,
        }
        self.totals = {"stdout": 0, "stderr": 0}
        """All bytes written so far, kept or not."""

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
        for stream, fd in list(self._open.items()):
            for _ in range(_ROUNDS):
                try:
                    data = os.read(fd, _READ)
                except BlockingIOError:
                    break
                if not data:
                    del self._open[stream]
                    break
                kept = data[: max(0, self._limit - self.totals[stream])]
                self.totals[stream] += len(data)
                if kept:
                    yield Output(ts=time.monotonic_ns(), stream=stream, data=octets(kept))
