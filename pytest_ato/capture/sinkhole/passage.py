"""Connections of a target whose network is open: they lead to the true server, and are recorded.

Owns the decision where one leads: through the TLS proxy when it begins with a ClientHello, else
straight on. A server that speaks first is reached after a moment of the client's silence.
"""

from __future__ import annotations

import asyncio

from pytest_ato.capture.sinkhole import protocols
from pytest_ato.capture.sinkhole.connection import Connection
from pytest_ato.capture.sinkhole.way import Way

_UNSAID = b"?"
"""Stands for whatever the true server would say first."""

_PATIENCE = 5.0
"""Seconds until a server that does not answer is given up."""


class Passage(Way):
    """The way to the true server; over with the connection."""

    async def connect(self, address: str, port: int) -> None:
        """Connect to it; the packet filter may say no."""
        try:
            loop = asyncio.get_running_loop()
            reached = loop.create_connection(lambda: self, address, port)
            await asyncio.wait_for(reached, _PATIENCE)
        except (OSError, TimeoutError, asyncio.CancelledError):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """All is known: the bytes themselves are recorded on the client's side."""
        super().connection_lost(exc)
        self.finish()


class OpenConnection(Connection):
    """One connection that is passed on, in either way."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the record: asyncio's callback."""
        super().connection_made(transport)
        self._greeting = _UNSAID
        self._check()

    def _understand(self, data: bytes) -> None:
        self._head += data
        tls = protocols.begins_tls(self._head)
        if tls is None:
            self._greeting = _UNSAID  # one byte may be all for now
            return
        if tls and self._takes_over(protocols.TlsRefusal(), self._head):
            return
        self._lead()

    def _greet(self) -> None:
        self._greeting = b""
        self._lead()

    def _lead(self) -> None:
        passage = Passage(self)
        self._way = passage
        passage.send(self._head)
        self._connecting = self._loop.create_task(passage.connect(*self._server))
        self._apply_hold()

    def _kept_waiting(self) -> bool:
        return self._way is not None  # servers take their time
