"""The way out: events in order of time, as JSON lines on a pipe that may be slow.

Owns ordering across sources (two rings, the sinkhole, the standard streams) and the output pipe's
back-pressure. Never blocks while an audit runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Final, TypeAlias

from pytest_ato.model.events import encode_lines
from pytest_ato.model.record import Event

_HOLD_NS: Final = 10_000_000
"""How long an event waits for older ones from a slower source."""
_PIECE: Final = 1 << 16
_PIPE: Final = 1 << 20
"""Bytes that the pipe holds where the kernel allows it: fewer turns between writer and reader."""
_time: Final = attrgetter("ts")


Sieve: TypeAlias = Callable[[Iterable[Event]], Iterator[Event]]


class CallerGone(Exception):
    """Nobody reads the events any more: the audit ends."""


class EventStream:
    """Orders events by time and writes them to the descriptor `fd`."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        with contextlib.suppress(OSError):  # no pipe, or the user's share of pipes is used up
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE)
        self.fd = fd
        """Reports an error when polled as soon as nobody can read it any more."""
        self._held: list[Event] = []
        self._lines: deque[bytes] = deque()
        self.sieve: Sieve = iter
        """What passes events on, in order of time, and may leave some out."""
        self.pending = 0
        """Bytes that the reader has not taken yet."""

    def add(self, events: Iterable[Event]) -> None:
        """Take events in any order."""
        self._held.extend(events)

    def release(self, seen_until: int) -> None:
        """Let go what is old enough, now that all sources were read up to `seen_until` ns."""
        self._held.sort(key=_time)
        count = bisect_right(self._held, seen_until - _HOLD_NS, key=_time)
        self._queue(self._held[:count])
        del self._held[:count]

    def release_all(self) -> None:
        """Let go everything: no source has more."""
        self._held.sort(key=_time)
        self._queue(self._held)
        self._held = []

    def put(self, event: Event) -> None:
        """Queue one event behind those let go so far, whatever its time."""
        self._write_out([event])

    def _queue(self, events: Iterable[Event]) -> None:
        self._write_out(self.sieve(events))

    def _write_out(self, events: Iterable[Event]) -> None:
        chunk = encode_lines(events)
        for at in range(0, len(chunk), _PIECE):
            self._lines.append(chunk[at : at + _PIECE])
        self.pending += len(chunk)

    def write(self) -> None:
        """Write what the pipe takes now; raises CallerGone when it is closed."""
        while self._lines:
            try:
                written = os.write(self.fd, self._lines[0])
            except BlockingIOError:
                return
            except OSError:
                raise CallerGone from None
            self.pending -= written
            if written < len(self._lines[0]):
                self._lines[0] = self._lines[0][written:]
            else:
                self._lines.popleft()

    def wait(self, unread: int) -> None:
        """Write until the reader has at most `unread` bytes to take; raises CallerGone."""
        self.write()
        while self.pending > unread:
            select.select([], [self.fd], [], 1.0)
            self.write()

    def flush(self) -> None:
        """Wait until the reader has taken everything; raises CallerGone."""
        self.wait(0)
