"""The way of one connection through the TLS proxy.

Owns the record of what the proxy decrypted of it. It is over when the proxy has said its last word
about it, or has failed.
"""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

from pytest_ato.capture.proxy.inside import frames
from pytest_ato.capture.sinkhole import wire
from pytest_ato.capture.sinkhole.conversation import Endpoint
from pytest_ato.capture.sinkhole.dns import Responder
from pytest_ato.capture.sinkhole.recorder import Recorder
from pytest_ato.capture.sinkhole.tls import TlsRecord
from pytest_ato.capture.sinkhole.way import Client, Way

_LOOPBACK = int(IPv4Address("127.0.0.0"))


def source(number: int) -> str:
    """Return the loopback address that stands for a relay, on its way to the proxy and back."""
    return str(IPv4Address(_LOOPBACK + number))


def number(address: str) -> int:
    """Return the number of the relay that a loopback address stands for."""
    return int(IPv4Address(address)) - _LOOPBACK


class Relay(Way):
    """Bytes to the proxy and back; it waits until the proxy listens."""

    def __init__(
        self,
        number: int,
        client: Client,
        record: TlsRecord,
        recorder: Recorder,
        responder: Responder,
    ) -> None:
        super().__init__(client)
        self.number = number
        self.client: Endpoint = record.client
        self.server: Endpoint = record.server
        """What the client wanted to reach."""
        self.recorder = recorder
        self.responder = responder
        self._record = record

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

    def finish(self) -> None:
        """The last word: write the closing record."""
        if not self.over:
            self._record.end()
        super().finish()

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

    def _preface(self) -> bytes:
        """Say whom the client wanted to reach."""
        return f"{self.server[0]} {self.server[1]}\n".encode()
