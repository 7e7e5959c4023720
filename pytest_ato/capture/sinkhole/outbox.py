"""The way from the sinkhole to capture: JSON lines on a socket, with back pressure.

Owns the buffer of unsent events, which is bounded because everything that produces events stops
reading while the reader is behind: TCP clients wait, and packets queue in the kernel, which counts
what it drops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pytest_ato.capture.sinkhole.wire import encode
from pytest_ato.model.record import Event

_HIGH_WATER = 1 << 20


class Outbox(asyncio.Protocol):
    """Writes events; `full` while the reader is behind."""

    def __init__(self) -> None:
        self.full = False
        self.on_change: Callable[[], None] = lambda: None
        """Called each time that `full` changes."""
        self._transport: asyncio.WriteTransport | None = None

    def put(self, event: Event) -> None:
        """Write one event."""
        if self._transport is not None:
            self._transport.write(encode(event) + b"\n")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: asyncio's callback."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._transport = transport

    def pause_writing(self) -> None:
        """Note that the reader is behind: asyncio's callback."""
        self.full = True
        self.on_change()

    def resume_writing(self) -> None:
        """Note that the reader has caught up: asyncio's callback."""
        self.full = False
        self.on_change()
