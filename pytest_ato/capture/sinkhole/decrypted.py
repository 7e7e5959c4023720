"""What the TLS proxy decrypted, as the sinkhole answers it.

Owns the proxy's connections to the sinkhole: each belongs to one relay, which its source address
names. The bytes are recorded already, as they were inside TLS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from pytest_ato.capture.sinkhole.conversation import Conversation
from pytest_ato.capture.sinkhole.relay import Relay

_TWINS: Final = {465: 25, 853: 53, 990: 21, 993: 143, 995: 110}
"""Ports of protocols that are spoken inside TLS, and where they are spoken without."""


class Decrypted(asyncio.Protocol):
    """Finds out whose bytes come, and is then that relay's conversation."""

    def __init__(self, find: Callable[[str], Relay | None]) -> None:
        self._find = find

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand over: asyncio's callback."""
        assert isinstance(transport, asyncio.Transport)
        relay = self._find(transport.get_extra_info("peername")[0])
        if relay is None:
            transport.abort()
            return
        conversation = Plaintext(relay)
        transport.set_protocol(conversation)
        conversation.connection_made(transport)


class Plaintext(Conversation):
    """One conversation inside TLS."""

    _slice = 64 << 10  # the proxy sends no request before the last one is answered

    def __init__(self, relay: Relay) -> None:
        super().__init__(relay.recorder, relay.responder)
        self._relay = relay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: asyncio's callback."""
        assert isinstance(transport, asyncio.Transport)
        address, port = self._relay.server
        self._began(transport, self._relay.client, (address, _TWINS.get(port, port)))

    def data_received(self, data: bytes) -> None:
        """Answer: asyncio's callback."""
        self._heard()
        self._understand(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """End: asyncio's callback."""
        self._ended()
