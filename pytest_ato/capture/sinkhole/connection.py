"""One TCP connection of the target: recorded, answered, ended in time.

Owns the socket's side of a connection: timers, flow control, the closing record. What is said is
chosen by `protocols` and the handlers.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv6Address
from typing import TypeAlias

from pytest_ato.capture.sinkhole import dialogues, limits, protocols
from pytest_ato.capture.sinkhole.dns import DnsStream, Flow, Responder
from pytest_ato.capture.sinkhole.recorder import Recorder, TcpRecord
from pytest_ato.capture.sinkhole.reply import Handler, Reply

_LINGER = 2.0
"""Seconds that the rest of a request is still read after an answer that ends the connection."""

_UNREAD = 16 << 10
"""Bytes of answers that a client may leave unread before it is answered no more."""

_SLICE = 2 << 10
"""Bytes that a handler gets at a time, so that its answers stay small too."""

SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int]


def canonical(address: SocketAddress) -> tuple[str, int]:
    """Return address and port, an IPv6 address without its zone."""
    host = address[0]
    if ":" in host:
        host = str(IPv6Address(host.partition("%")[0]))
    return host, address[1]


class Connection(asyncio.Protocol):
    """Callbacks of one accepted connection; `on_end` is called once, after the last record."""

    def __init__(
        self, recorder: Recorder, responder: Responder, on_end: Callable[[Connection], None]
    ) -> None:
        self._recorder = recorder
        self._responder = responder
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._record: TcpRecord | None = None
        self._handler: Handler | None = None
        self._head = b""
        self._greeting = b""
        self._client = self._server = ("", 0)
        self._active = 0.0
        self._half_closed = False
        self._lingering = False
        self._held = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the record: asyncio's callback."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._client = canonical(transport.get_extra_info("peername") or ("", 0))
        # The listener is transparent: its own end has the address that the target named.
        self._server = canonical(transport.get_extra_info("sockname") or ("", 0))
        self._record = self._recorder.connection(self._client, self._server)
        self._greeting = dialogues.greeting(self._server[1])
        self._active = self._loop.time()
        self._apply_hold()
        self._check()

    def data_received(self, data: bytes) -> None:
        """Record the target's bytes and answer: asyncio's callback."""
        assert self._record is not None
        self._record.out(data)
        self._active = self._loop.time()
        self._greeting = b""
        if self._half_closed:
            return
        if self._handler is None:
            self._head += data
            flow = Flow(*self._client, self._server[0], "tcp")
            port = self._server[1]
            self._handler = protocols.choose(self._head, port, self._responder, flow)
            if self._handler is None:
                return
            data, self._head = self._head, b""
        for at in range(0, len(data), _SLICE):
            if self._half_closed:
                return
            if not self._listened_to():
                self._handler = protocols.Silent()
            self._reply(self._handler.receive(data[at : at + _SLICE]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Write the closing record: asyncio's callback."""
        if self._timer is not None:
            self._timer.cancel()
        if self._record is not None:
            self._take_the_rest(self._record)
            self._record.end()
        self._on_end(self)

    def hold(self, held: bool) -> None:
        """Stop or resume reading, because the reader of the events is behind or has caught up."""
        self._held = held
        self._apply_hold()

    def abort(self) -> None:
        """End at once; `connection_lost` follows from the loop."""
        if self._transport is not None:
            self._transport.abort()

    def _apply_hold(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._held:
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

    def _listened_to(self) -> bool:
        """Whether answers are read, and the audit's allowance of them lasts.

        They cost time that recording needs: where this is false, bytes are only recorded. DNS has
        a bound of its own, and events: its handler goes on, unheard.
        """
        if isinstance(self._handler, DnsStream):
            return True
        if self._transport is None or self._transport.is_closing():
            return False
        unread = self._transport.get_write_buffer_size()
        return unread <= _UNREAD and not self._recorder.answered_out

    def _reply(self, reply: Reply) -> None:
        for event in reply.events:
            self._recorder.emit(event)
        self._write(reply.data)
        if reply.close:
            self._lingering = True
            self._half_close()
            self._check()

    def _write(self, data: bytes) -> None:
        if not data or self._half_closed or self._transport is None or self._record is None:
            return
        if self._listened_to() and self._recorder.allow_answer(len(data)):
            self._record.into(data)
            self._transport.write(data)

    def _half_close(self) -> None:
        self._half_closed = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def _check(self) -> None:
        """Do what is due after this long a silence, and come back when more may be."""
        if self._timer is not None:
            self._timer.cancel()
        if self._held:  # the silence is ours
            self._active = self._loop.time()
        idle = self._loop.time() - self._active
        if self._greeting and idle >= limits.GREETING_AFTER:
            self._greet()
        if not self._half_closed and idle >= limits.HALF_CLOSE_AFTER:
            self._half_close()
        end = _LINGER if self._lingering else limits.CLOSE_AFTER
        if idle >= end:
            self.abort()
            return
        due = end if self._half_closed else limits.HALF_CLOSE_AFTER
        if self._greeting:
            due = limits.GREETING_AFTER
        self._timer = self._loop.call_later(max(due - idle, 0.01), self._check)

    def _greet(self) -> None:
        self._write(self._greeting)
        self._greeting = b""
        dialogue = dialogues.BY_PORT.get(self._server[1])
        self._handler = dialogues.LineServer(dialogue) if dialogue else protocols.Silent()
