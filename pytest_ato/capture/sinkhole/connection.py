"""One TCP connection of the target: recorded, answered or passed on, ended in time.

Owns the socket's side of a connection: flow control, the closing record, and the hand-over to a
relay where the client begins with a ClientHello and there is a TLS proxy.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv6Address
from typing import TypeAlias

from pytest_ato.capture.sinkhole import limits, protocols
from pytest_ato.capture.sinkhole.conversation import Conversation
from pytest_ato.capture.sinkhole.dns import Responder
from pytest_ato.capture.sinkhole.proxy import Proxy
from pytest_ato.capture.sinkhole.recorder import Recorder, TcpRecord
from pytest_ato.capture.sinkhole.relay import Relay
from pytest_ato.capture.sinkhole.reply import Handler
from pytest_ato.capture.sinkhole.way import Way

SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int]


def canonical(address: SocketAddress) -> tuple[str, int]:
    """Return address and port, an IPv6 address without its zone."""
    host = address[0]
    if ":" in host:
        host = str(IPv6Address(host.partition("%")[0]))
    return host, address[1]


class Connection(Conversation):
    """Callbacks of one accepted connection; `on_end` is called once, after the last record."""

    def __init__(
        self,
        recorder: Recorder,
        responder: Responder,
        on_end: Callable[[Connection], None],
        proxy: Proxy | None = None,
    ) -> None:
        super().__init__(recorder, responder)
        self._on_end = on_end
        self._proxy = proxy
        self._way: Way | None = None
        self._record: TcpRecord | None = None
        self._held = False
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the record: asyncio's callback."""
        assert isinstance(transport, asyncio.Transport)
        client = canonical(transport.get_extra_info("peername") or ("", 0))
        # The listener is transparent: its own end has the address that the target named.
        server = canonical(transport.get_extra_info("sockname") or ("", 0))
        self._record = self._recorder.connection(client, server)
        self._began(transport, client, server)
        self._apply_hold()

    def data_received(self, data: bytes) -> None:
        """Record the target's bytes and answer, or pass them on: asyncio's callback."""
        assert self._record is not None
        self._record.out(data)
        self._heard()
        if self._way is not None:
            self._way.send(data)
            self._apply_hold()
        else:
            self._understand(data)

    def eof_received(self) -> bool:
        """Pass the client's end on, which may still want to read: asyncio's callback."""
        if self._way is None:
            return False
        self._way.send_eof()
        return True

    def pause_writing(self) -> None:
        """Let the other end wait for a client that does not read: asyncio's callback."""
        if self._way is not None:
            self._way.hold(True)

    def resume_writing(self) -> None:
        """Let the other end go on: asyncio's callback."""
        if self._way is not None:
            self._way.hold(False)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Write the closing record: asyncio's callback."""
        self._ended()
        self._lost = True
        if self._record is not None:
            self._take_the_rest(self._record)
            self._record.end()
        if self._way is not None:
            self._way.close()
        self._finish()

    def hold(self, held: bool) -> None:
        """Stop or resume reading, because the reader of the events is behind or has caught up."""
        self._held = held
        self._apply_hold()

    def abort(self) -> None:
        """End at once, and the way with it; `connection_lost` follows from the loop."""
        super().abort()
        if self._way is not None:
            self._way.abort()

    @property
    def relayed(self) -> bool:
        """Whether it waits for the TLS proxy's last word."""
        return isinstance(self._way, Relay) and not self._way.over

    # --- what the way tells ---

    def from_server(self, data: bytes) -> None:
        """Pass on what the other end says to the client."""
        self._active = self._loop.time()
        if self._transport is None or self._transport.is_closing() or self._half_closed:
            return
        self._note_answer(data)
        self._transport.write(data)

    def way_changed(self) -> None:
        """Read on, or wait."""
        self._apply_hold()

    def way_closed(self) -> None:
        """Close after what is still to be sent."""
        if self._transport is not None:
            self._transport.close()

    def way_over(self) -> None:
        """End, once the client has gone too."""
        self._finish()

    # --- the parts of a conversation ---

    def _note_answer(self, data: bytes) -> None:
        if self._record is not None:
            self._record.into(data)

    def _kept_waiting(self) -> bool:
        return self._held or (self._way is not None and not self._way.connected)

    def _takes_over(self, handler: Handler, head: bytes) -> bool:
        if not isinstance(handler, protocols.TlsRefusal) or self._proxy is None:
            return False
        assert self._record is not None
        relay = self._proxy.relay(self, self._record.tls(), self._recorder, self._responder)
        if relay is None:
            return False
        self._way = relay
        self._record.narrow(limits.TLS_WIRE)
        relay.send(head)
        self._apply_hold()
        return True

    def _apply_hold(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._held or (self._way is not None and self._way.full):
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _take_the_rest(self, record: TcpRecord) -> None:
        """Record what was received and not yet read when the connection broke, by a reset say."""
        if self._transport is None:
            return
        descriptor = self._transport.get_extra_info("socket").fileno()
        with suppress(OSError):  # nothing there, or no more
            while data := os.read(descriptor, limits.PIECE):
                record.out(data)
                if self._way is not None:
                    self._way.send(data)

    def _finish(self) -> None:
        if self._lost and (self._way is None or self._way.over):
            self._on_end(self)
