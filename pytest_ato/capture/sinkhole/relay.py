"""The way of one connection through the TLS proxy.

Owns the connection to the proxy, which waits until the proxy listens, and the record of what the
proxy decrypted of it. It is over when the proxy has said its last word about it, or has failed.
"""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address
from typing import Protocol

from pytest_ato.capture.proxy.inside import frames
from pytest_ato.capture.sinkhole import wire
from pytest_ato.capture.sinkhole.conversation import Endpoint
from pytest_ato.capture.sinkhole.dns import Responder
from pytest_ato.capture.sinkhole.recorder import Recorder
from pytest_ato.capture.sinkhole.tls import TlsRecord

_LOOPBACK = int(IPv4Address("127.0.0.0"))


class Client(Protocol):
    """The connection of the target whose bytes are relayed."""

    def from_proxy(self, data: bytes) -> None:
        """Take bytes for the client."""
        ...

    def proxy_ready(self) -> None:
        """The relay takes bytes again."""
        ...

    def proxy_closed(self) -> None:
        """No more bytes come from the proxy."""
        ...

    def proxy_done(self) -> None:
        """Nothing more will be known: the relay is over."""
        ...


def source(number: int) -> str:
    """Return the loopback address that stands for a relay, on its way to the proxy and back."""
    return str(IPv4Address(_LOOPBACK + number))


def number(address: str) -> int:
    """Return the number of the relay that a loopback address stands for."""
    return int(IPv4Address(address)) - _LOOPBACK


class Relay(asyncio.Protocol):
    """Bytes to the proxy and back."""

    def __init__(
        self,
        number: int,
        client: Client,
        record: TlsRecord,
        recorder: Recorder,
        responder: Responder,
    ) -> None:
        self.number = number
        self.client: Endpoint = record.client
        self.server: Endpoint = record.server
        """What the client wanted to reach."""
        self.recorder = recorder
        self.responder = responder
        self.connected = False
        self.full = True
        """Whether the proxy cannot take more at the moment."""
        self.over = False
        self._client = client
        self._record = record
        self._transport: asyncio.Transport | None = None
        self._waiting = bytearray()
        self._eof = self._closed = self._held = False

    async def connect(self, ready: asyncio.Future[None]) -> None:
        """Wait for the proxy and connect to it."""
        try:
            await asyncio.shield(ready)
            if self.over:
                return
            await asyncio.get_running_loop().create_connection(
                lambda: self, "127.0.0.1", wire.PROXY_PORT, local_addr=(source(self.number), 0)
            )
        except asyncio.CancelledError:
            self.abort()
        except OSError:
            self.recorder.lost("connections that the TLS proxy did not take")
            self.abort()

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
        """Stop or resume reading from the proxy."""
        self._held = held
        if self._transport is None or self._transport.is_closing():
            return
        if held:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def close(self) -> None:
        """The client is gone: close once the proxy has all that it sent."""
        self._closed = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End at once: nothing more will be known of this connection."""
        self.finish()
        if self._transport is not None:
            self._transport.abort()
        else:
            self._client.proxy_closed()

    def finish(self) -> None:
        """The last word: write the closing record."""
        if self.over:
            return
        self.over = True
        self._record.end()
        self._client.proxy_done()

    def take(self, frame: frames.Frame) -> None:
        """Record what the proxy tells of this connection; raises `MalformedFrame`."""
        if self.over:
            return
        if frame.kind == frames.OUT:
            self._record.out(frame.payload)
        elif frame.kind == frames.IN:
            self._record.into(frame.payload)
        elif frame.kind == frames.HELLO:
            self._record.handshake(frames.Hello.decode(frame.payload))
        elif frame.kind == frames.END:
            self.finish()

    # --- asyncio's callbacks ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say whom the client wanted to reach, then what it said meanwhile."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.connected = True
        self.full = False
        transport.write(f"{self.server[0]} {self.server[1]}\n".encode() + self._waiting)
        self._waiting.clear()
        self.hold(self._held)
        if self._eof:
            transport.write_eof()
        if self._closed:
            transport.close()
        self._client.proxy_ready()

    def data_received(self, data: bytes) -> None:
        """Pass the proxy's bytes on."""
        self._client.from_proxy(data)

    def pause_writing(self) -> None:
        """Let the client wait."""
        self.full = True
        self._client.proxy_ready()

    def resume_writing(self) -> None:
        """Let the client go on."""
        self.full = False
        self._client.proxy_ready()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Close the client's side; frames may still come."""
        self.full = False
        self._client.proxy_closed()
