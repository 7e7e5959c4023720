"""Which protocol a TCP connection speaks, from its first bytes and its port.

Owns the choice alone. TLS is refused with an alert here; whoever terminates TLS replaces
`TlsRefusal` and chooses again from the plaintext.
"""

from __future__ import annotations

from pytest_ato.capture.sinkhole import dialogues, http
from pytest_ato.capture.sinkhole.dns import PORT as DNS_PORT
from pytest_ato.capture.sinkhole.dns import DnsStream, Flow, Responder
from pytest_ato.capture.sinkhole.reply import NOTHING, Handler, Reply

# A record of type alert, version 1.2, fatal, handshake_failure (RFC 8446, 6.2 and 5.1).
_TLS_ALERT = bytes([21, 3, 3, 0, 2, 2, 40])

_HANDSHAKE = b"\x16\x03"
"""A record of type handshake, of any version that there is."""


class Silent:
    """Listens and never answers."""

    def receive(self, data: bytes) -> Reply:  # noqa: ARG002
        """Take the bytes."""
        return NOTHING


class TlsRefusal:
    """Answers a ClientHello with a fatal alert."""

    def receive(self, data: bytes) -> Reply:  # noqa: ARG002
        """End the handshake."""
        return Reply(_TLS_ALERT, close=True)


def begins_tls(head: bytes) -> bool | None:
    """Whether a client's first bytes are those of a ClientHello; None: too few to tell."""
    return None if head in (b"", _HANDSHAKE[:1]) else head.startswith(_HANDSHAKE)


def choose(head: bytes, port: int, responder: Responder, flow: Flow) -> Handler | None:
    """Return the handler for a connection whose client began with `head`; None: wait for more."""
    web = http.speaks(head)
    if web:
        return http.HttpServer(flow.server)
    tls = begins_tls(head)
    if tls:
        return TlsRefusal()
    if web is None or tls is None:
        return None
    if port == DNS_PORT:
        return DnsStream(responder, flow)
    dialogue = dialogues.BY_PORT.get(port)
    return dialogues.LineServer(dialogue) if dialogue else Silent()
