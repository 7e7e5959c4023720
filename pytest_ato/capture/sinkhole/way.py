"""A second connection, to which the bytes of one of the target's are passed on, and back.

Owns flow control in both directions, and what waits until the other end is reached. Where it leads
is for its children to say.
"""

from __future__ import annotations

import asyncio
from typing import Protocol


class Client(Protocol):
    """The connection of the target whose bytes are passed on."""

    def from_server(self, data: bytes) -> None:
        """Take bytes for the client."""
        ...

    def way_changed(self) -> None:
        """The way takes bytes again, or takes no more for now."""
        ...

    def way_closed(self) -> None:
        """No more bytes come for the client."""
        ...

    def way_over(self) -> None:
        """Nothing more will be known of this way."""
        ...


class Way(asyncio.Protocol):
    """Bytes to somebody else and back; `over` when all is known."""

    def __init__(self, client: Client) -> None:
        self.connected = False
        self.full = True
        """Whether no more bytes can be taken at the moment."""
        self.over = False
        self._client = client
        self._transport: asyncio.Transport | None = None
        self._waiting = bytearray()
        self._eof = self._closed = self._held = False

    def send(self, data: bytes) -> None:
        """Take bytes of the client."""
        if self._transport is None:
            self._waiting += data
        elif not self._transport.is_closing():
            self._transport.write(data)

    def send_eof(self) -> None:
        """Take the client's end."""
        self._eof = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def hold(self, held: bool) -> None:
        """Stop or resume reading from the other end."""
        self._held = held
        if self._transport is None or self._transport.is_closing():
            return
        if held:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def close(self) -> None:
        """The client is gone: close once the other end has all that it sent."""
        self._closed = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End at once: nothing more will be known."""
        self.finish()
        if self._transport is not None:
            self._transport.abort()
        else:
            self._client.way_closed()

    def finish(self) -> None:
        """All is known."""
        if not self.over:
            self.over = True
            self._client.way_over()

    def _preface(self) -> bytes:
        """Return what the other end is told before the client's first byte."""
        return b""

    # --- asyncio's callbacks ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pass on what the client said meanwhile."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.connected = True
        self.full = False
        transport.write(self._preface() + self._waiting)
        self._waiting.clear()
        self.hold(self._held)
        if self._eof:
            transport.write_eof()
        if self._closed:
            transport.close()
        self._client.way_changed()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on to the client."""
        self._client.from_server(data)

    def pause_writing(self) -> None:
        """Let the client wait."""
        self.full = True
        self._client.way_changed()

    def resume_writing(self) -> None:
        """Let the client go on."""
        self.full = False
        self._client.way_changed()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Close the client's side."""
        self.full = False
        self._client.way_closed()
