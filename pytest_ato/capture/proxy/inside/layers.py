"""mitmproxy's layers as this proxy stacks them: TLS that copies its plaintext, then HTTP or bytes.

Owns the choice of the layer inside TLS and the judgement of how a handshake ended. Knows no
sockets: what it sees goes to a `Witness`.
"""

from __future__ import annotations

import re
from typing import Protocol

from mitmproxy.proxy import commands, context, events, layer
from mitmproxy.proxy.layers import http, tcp, tls
from mitmproxy.proxy.tunnel import TunnelState

_HEAD_BYTES = 4 << 20
"""Bytes that a client may send before a request's head is complete."""
_REFUSAL = re.compile(
    r"alert (unknown ca|bad certificate|certificate \w+|unsupported certificate|access denied)"
)
_REQUEST = re.compile(rb"[A-Z]{3,20} ")
_MAYBE_REQUEST = re.compile(rb"[A-Z]{0,20}\Z")
_H2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HTTP = (b"h2", b"http/1.1", b"http/1.0")
_SPEAKS_FIRST = frozenset({21, 22, 25, 110, 143, 465, 563, 587, 990, 993, 995, 2525, 3306})
"""Ports whose server greets first, inside TLS too."""


class Witness(Protocol):
    """Whoever wants to know what one connection did."""

    def plaintext(self, data: bytes, *, out: bool) -> None:
        """Take a piece that was decrypted (`out`), or that will be encrypted."""
        ...

    def settled(self, outcome: str, reason: str = "") -> None:
        """Take the outcome of the handshake; only the first one counts."""
        ...


class Interception(tls.ClientTLSLayer):  # type: ignore[misc]
    """The client's side of TLS."""

    def __init__(self, context: context.Context, witness: Witness) -> None:
        super().__init__(context)
        self.child_layer = layer.NextLayer(self.context, ask_on_start=True)
        self._witness = witness
        self._alert = ""
        self._head = 0
        self.in_head = True
        """Whether the client's next bytes belong to a request's head, as far as is known."""

    def start_head(self) -> None:
        """A request is complete: count the next head from here."""
        self.in_head, self._head = True, 0

    def event_to_child(self, event: events.Event) -> layer.CommandGenerator[None]:
        """Copy what was decrypted; while the handshake lasts, events only queue."""
        decrypted = self.tunnel_state is not TunnelState.ESTABLISHING
        if decrypted and isinstance(event, events.DataReceived) and event.connection is self.conn:
            self._witness.plaintext(event.data, out=True)
            self._head += len(event.data)
            if self.in_head and self._head > _HEAD_BYTES:
                yield commands.CloseConnection(self.conn)
                return
        yield from super().event_to_child(event)

    def send_data(self, data: bytes) -> layer.CommandGenerator[None]:
        """Copy what is to be encrypted."""
        self._witness.plaintext(data, out=False)
        yield from super().send_data(data)

    def receive_data(self, data: bytes) -> layer.CommandGenerator[None]:
        """Note an alert that comes after the handshake: some clients check only then."""
        for command in super().receive_data(data):
            if isinstance(command, commands.Log) and "alert" in command.message:
                self._alert = _words(command.message)
            yield command

    def on_handshake_error(self, err: str) -> layer.CommandGenerator[None]:
        """Judge a handshake that did not end well."""
        words = _words(err)
        if _REFUSAL.search(words):
            self._witness.settled("refused", words)
        elif err == "connection closed" and self.client_hello_parsed:
            self._witness.settled("refused", "the client hung up at the certificate")
        elif not self.client_hello_parsed:
            self._witness.settled("failed", "this is no ClientHello, or not a whole one")
        else:
            self._witness.settled("failed", words)
        yield from super().on_handshake_error(err)

    def judge_silence(self) -> None:
        """Judge a connection that is over, and on which nothing may have been said."""
        if self.tls is None or not self.conn.tls_established:
            self._witness.settled("failed", "the client hung up during the handshake")
        elif self._alert:
            self._witness.settled("refused", self._alert)
        elif self.tls.get_shutdown() & _RECEIVED_SHUTDOWN:
            self._witness.settled("intercepted", "the client took its leave and had said nothing")
        else:
            self._witness.settled("refused", "the client hung up right after the handshake")


_RECEIVED_SHUTDOWN = 2  # SSL_RECEIVED_SHUTDOWN


class Top(layer.Layer):  # type: ignore[misc]
    """What mitmproxy's client layer expects above itself where there is no server's TLS."""

    def __init__(self, context: context.Context, witness: Witness) -> None:
        super().__init__(context)
        self.child_layer = Interception(context, witness)

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        yield from self.child_layer.handle_event(event)


def inner(asking: layer.NextLayer, port: int) -> layer.Layer | None:
    """Return the layer inside TLS, or None while the client's first bytes are too few to tell."""
    client = asking.context.client
    head = asking.data_client()
    if not head:
        waits = client.alpn in _HTTP or port not in _SPEAKS_FIRST
        return None if waits else tcp.TCPLayer(asking.context, ignore=True)
    if client.alpn != b"h2" and head.startswith(_H2_PREFACE[:4]):
        if len(head) < len(_H2_PREFACE) and _H2_PREFACE.startswith(head):
            return None
        client.alpn = b"h2" if head.startswith(_H2_PREFACE) else client.alpn
    if client.alpn == b"h2" or _REQUEST.match(head):
        return http.HttpLayer(asking.context, http.HTTPMode.transparent)
    if _MAYBE_REQUEST.match(head):
        return None
    return tcp.TCPLayer(asking.context, ignore=True)


def _words(error: str) -> str:
    """Return the last reason of an OpenSSL error, or the text itself, on one bounded line."""
    reasons = re.findall(r"'([^']*)'\)", error)
    return " ".join((reasons[-1] if reasons else error).split())[:300]
