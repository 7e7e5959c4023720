"""The lines that a capture process writes, read so that one which hangs or dies ends the reading.

Owns the read end of a pipe, and the way in which an audit's answer begins and ends.
"""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Generator, Iterator
from typing import Final

import msgspec

from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.events import Unavailable

_READ: Final = 1 << 18
_END: Final = b'{"kind":"end",'
_UNAVAILABLE: Final = b'{"kind":"unavailable",'


class Reader:
    """Reads the descriptor `fd`, which stays its owner's."""

    def __init__(self, fd: int, grace: float) -> None:
        """`grace`: seconds of silence beyond a time limit after which capture is given up."""
        self._fd = fd
        self._grace = grace
        self._begun = b""
        self.silence = 0.0
        """Seconds of silence after which it was given up; 0: it was not."""

    def audit(self, timeout: float) -> Generator[bytes, None, bool]:
        """The lines of one audit of `timeout` seconds, in pieces as `lines` has them, the `end`
        record last.

        Returns False without one, at the end of the pipe or after too long a silence. Raises
        CaptureUnavailable when capture says that it cannot.
        """
        for lines in self.lines(timeout):
            if line := _that_begins(_UNAVAILABLE, lines):
                raise CaptureUnavailable(msgspec.json.decode(line, type=Unavailable).reason)
            yield lines
            if _that_begins(_END, lines):
                return True
        return False

    def lines(self, expected: float) -> Iterator[bytes]:
        """Whole lines as they come, joined by newlines, to the end of the pipe; `expected`: seconds
        that it may be busy."""
        deadline = time.monotonic() + expected + self._grace
        with selectors.DefaultSelector() as selector:
            selector.register(self._fd, selectors.EVENT_READ)
            while True:
                silence = max(self._grace, deadline - time.monotonic())
                if not selector.select(silence):
                    self.silence = silence
                    return
                data = os.read(self._fd, _READ)
                if not data:
                    return
                lines, newline, begun = data.rpartition(b"\n")
                if not newline:
                    self._begun += data
                    continue
                # Before the lines are told: the one who takes them may end this reading with them.
                lines, self._begun = self._begun + lines, begun
                yield lines


def _that_begins(start: bytes, lines: bytes) -> bytes:
    """The first line that begins with `start`; empty: none does."""
    if not lines.startswith(start):
        lines = lines.partition(b"\n" + start)[2]
        lines = start + lines if lines else b""
    return lines.partition(b"\n")[0]
