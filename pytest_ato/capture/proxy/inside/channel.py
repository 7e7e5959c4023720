"""The stream of frames to the sinkhole."""

from __future__ import annotations

import asyncio

from .frames import encode


class Channel:
    """Writes frames; whoever produces them waits for `drained` from time to time."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def put(self, kind: bytes, number: int, payload: bytes = b"") -> None:
        """Write one frame."""
        self._writer.write(encode(kind, number, payload))

    async def drained(self) -> None:
        """Wait while the sinkhole is behind."""
        await self._writer.drain()
