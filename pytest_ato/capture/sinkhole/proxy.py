"""The TLS proxy as the sinkhole sees it: asked for when it is needed, listened to, given up.

Owns the stream of frames, which is read strictly, and the connections that are relayed. A proxy
that ends, stalls or says what it must not say fails: capture is told, and TLS is refused until the
next audit.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from itertools import count
from time import monotonic_ns

from pytest_ato.capture.proxy.inside import frames
from pytest_ato.capture.sinkhole import wire
from pytest_ato.capture.sinkhole.decrypted import Decrypted
from pytest_ato.capture.sinkhole.dns import Responder
from pytest_ato.capture.sinkhole.recorder import Recorder
from pytest_ato.capture.sinkhole.relay import Relay, number
from pytest_ato.capture.sinkhole.tls import TlsRecord
from pytest_ato.capture.sinkhole.way import Client
from pytest_ato.model.record import Event

_FIRST = 256
"""Of the loopback addresses that stand for connections: 127.0.1.0."""
_NUMBERS = 1 << 23


class Proxy(asyncio.Protocol):
    """Callbacks of the stream of frames; `put` takes records for capture."""

    def __init__(self, put: Callable[[Event], None]) -> None:
        self._put = put
        self._loop = asyncio.get_running_loop()
        self._numbers = count()
        self._relays: dict[int, Relay] = {}
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._reader = frames.Reader()
        self._channel: asyncio.Transport | None = None
        self._plain: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._wanted = self._failed = self._used = False
        self._held = False

    def begin(self) -> None:
        """A new audit: what failed in the one before may be tried again."""
        self._failed = self._used = False

    def relay(
        self, client: Client, record: TlsRecord, recorder: Recorder, responder: Responder
    ) -> Relay | None:
        """Begin to relay a connection; None: there is no proxy any more."""
        if self._failed:
            return None
        new = _FIRST + next(self._numbers) % _NUMBERS
        relay = self._relays[new] = Relay(new, client, record, recorder, responder)
        self._used = True
        if not self._wanted:
            self._wanted = True
            self._put(wire.ProxyWanted(ts=monotonic_ns()))
        task = self._loop.create_task(relay.connect(self._ready))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return relay

    async def adopt(self, channel: socket.socket) -> None:
        """Listen to a proxy that capture has started."""
        if self._plain is None:
            self._plain = await self._loop.create_server(
                lambda: Decrypted(self.by_source), "127.0.0.1", wire.PLAIN_PORT
            )
        await self._loop.create_connection(lambda: self, sock=channel)

    def by_source(self, address: str) -> Relay | None:
        """Return the relay that a loopback address stands for."""
        return self._relays.get(number(address))

    def hold(self, held: bool) -> None:
        """Stop or resume listening, because the reader of the events is behind."""
        self._held = held
        if self._channel is None or self._channel.is_closing():
            return
        if held:
            self._channel.pause_reading()
        else:
            self._channel.resume_reading()

    def fail(self, reason: str) -> None:
        """Give the proxy up; capture starts another one when it is asked for next."""
        if not self._wanted:
            return
        self._put(wire.ProxyFailed(ts=monotonic_ns(), reason=reason, used=self._used))
        self._failed = self._used
        self._wanted = False
        if self._channel is not None:
            self._channel.abort()
            self._channel = None
        self._ready.cancel()
        self._ready = self._loop.create_future()
        self._reader = frames.Reader()
        for relay in list(self._relays.values()):
            relay.abort()
        self._relays.clear()

    # --- asyncio's callbacks ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen."""
        assert isinstance(transport, asyncio.Transport)
        self._channel = transport
        self.hold(self._held)

    def data_received(self, data: bytes) -> None:
        """Take frames."""
        try:
            for frame in self._reader.feed(data):
                self._take(frame)
        except frames.MalformedFrame as error:
            self.fail(f"it sent a malformed frame ({error})")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Notice that the process is gone."""
        if self._channel is not None:
            self.fail("")

    def _take(self, frame: frames.Frame) -> None:
        if frame.kind == frames.READY:
            if not self._ready.done():
                self._ready.set_result(None)
        elif frame.kind == frames.FAULT:
            self.fail("it met an error: " + frame.payload.decode("ascii", "replace"))
        elif (relay := self._relays.get(frame.number)) is not None:
            relay.take(frame)
            if relay.over:
                del self._relays[frame.number]
