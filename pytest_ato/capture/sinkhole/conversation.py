"""One client and the sinkhole's answers to it, whatever way its bytes come.

Owns the timers and the choice of the handler. What is recorded, and where the bytes come from, is
for its children to say: a connection of the target, or what the TLS proxy decrypted of one.
"""

from __future__ import annotations

import asyncio
from typing import TypeAlias

from pytest_ato.capture.sinkhole import dialogues, limits, protocols
from pytest_ato.capture.sinkhole.dns import DnsStream, Flow, Responder
from pytest_ato.capture.sinkhole.recorder import Recorder
from pytest_ato.capture.sinkhole.reply import Handler, Reply

_LINGER = 2.0
"""Seconds that the rest of a request is still read after an answer that ends the connection."""

_UNREAD = 16 << 10
"""Bytes of answers that a client may leave unread before it is answered no more."""

Endpoint: TypeAlias = tuple[str, int]
"""Canonical address and port."""


class Conversation(asyncio.Protocol):
    """Callbacks of one stream."""

    _slice = 2 << 10
    """Bytes that a handler gets at a time, so that its answers stay small too."""

    def __init__(self, recorder: Recorder, responder: Responder) -> None:
        self._recorder = recorder
        self._responder = responder
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._handler: Handler | None = None
        self._head = b""
        self._greeting = b""
        self._client: Endpoint = ("", 0)
        self._server: Endpoint = ("", 0)
        self._active = 0.0
        self._half_closed = False
        self._lingering = False
        self._timer: asyncio.TimerHandle | None = None

    def abort(self) -> None:
        """End at once; `connection_lost` follows from the loop."""
        if self._transport is not None:
            self._transport.abort()

    # --- for children ---

    def _began(self, transport: asyncio.Transport, client: Endpoint, server: Endpoint) -> None:
        """Begin: `server` is what the client wanted to reach."""
        self._transport = transport
        self._client, self._server = client, server
        self._greeting = dialogues.greeting(server[1])
        self._active = self._loop.time()
        self._check()

    def _ended(self) -> None:
        """End: no timer comes any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _note_answer(self, data: bytes) -> None:
        """Record what is sent to the client."""

    def _kept_waiting(self) -> bool:
        """Whether it is for us that the client is silent."""
        return False

    def _heard(self) -> None:
        """Note a sign of life."""
        self._active = self._loop.time()
        self._greeting = b""

    def _understand(self, data: bytes) -> None:
        """Answer the client's next bytes, once its first ones say what it speaks."""
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
            if self._takes_over(self._handler, data):
                return
        for at in range(0, len(data), self._slice):
            if self._half_closed:
                return
            if not self._listened_to():
                self._handler = protocols.Silent()
            self._reply(self._handler.receive(data[at : at + self._slice]))

    def _takes_over(self, handler: Handler, head: bytes) -> bool:  # noqa: ARG002
        """Whether somebody else answers, instead of the handler that was chosen."""
        return False

    # --- answers ---

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
        if not data or self._half_closed or self._transport is None:
            return
        if self._listened_to() and self._recorder.allow_answer(len(data)):
            self._note_answer(data)
            self._transport.write(data)

    def _half_close(self) -> None:
        self._half_closed = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def _check(self) -> None:
        """Do what is due after this long a silence, and come back when more may be."""
        self._ended()
        if self._kept_waiting():
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
