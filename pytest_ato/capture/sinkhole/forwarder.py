"""DNS questions of a target whose network is open: asked of the true resolver, and recorded.

Owns the exchange with the resolver, and which names it is asked for: a name can carry data, so
where a policy limits the network, others are refused here. What the resolver answers is passed on
as it is; it is parsed for the record alone, and what cannot be parsed is recorded as no answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import dns.exception
import dns.message
import dns.rcode

from pytest_ato.capture.sinkhole.dns import PORT, Flow, Responder, plain
from pytest_ato.capture.sinkhole.reply import Reply
from pytest_ato.model.domains import Domains

_PATIENCE = 5.0
"""Seconds until the resolver's answer is given up."""
_AT_A_TIME = 256


class _Exchange(asyncio.DatagramProtocol):
    def __init__(self, identity: bytes) -> None:
        self._identity = identity
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002
        if data[:2] == self._identity and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


class Forwarder(Responder):
    """Asks `resolver`, for as long as `allow` says so of each question."""

    def __init__(
        self, allow: Callable[[], bool], resolver: str, names: Iterable[str] | None = None
    ) -> None:
        """`names`: the domains that may be asked for; None: all."""
        super().__init__(allow)
        self._resolver = resolver
        self._domains = None if names is None else Domains(names)
        self._room = asyncio.Semaphore(_AT_A_TIME)

    async def ask(self, wire: bytes, flow: Flow) -> Reply:
        """Return the resolver's answer, and the record of both."""
        if not self._allow():
            return Reply()
        try:
            query = dns.message.from_wire(wire)
        except Exception:  # any bytes come here, and the parser's own errors are many
            return self._malformed(wire, flow)
        response = dns.message.make_response(query, recursion_available=True)
        response.set_rcode(dns.rcode.REFUSED)
        data = b""
        if self._may_ask(query):
            response.set_rcode(dns.rcode.SERVFAIL)
            async with self._room:
                data = await self._exchange(wire)
        if data:
            with suppress(Exception):
                response = dns.message.from_wire(data)
        else:
            data = response.to_wire()
        hidden = () if plain(query) else self._hidden(wire, flow)
        return Reply(data, events=(self._event(query, response, flow), *hidden))

    def _may_ask(self, query: dns.message.Message) -> bool:
        """Whether each name that the question has is one of the allowed ones."""
        if self._domains is None:
            return True
        names = [each.name.to_text(omit_final_dot=True) for each in query.question]
        return bool(names) and all(self._domains.match(name) is not None for name in names)

    async def _exchange(self, wire: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            transport, exchange = await loop.create_datagram_endpoint(
                lambda: _Exchange(wire[:2]), remote_addr=(self._resolver, PORT)
            )
        except OSError:
            return b""
        try:
            transport.sendto(wire)
            return await asyncio.wait_for(exchange.answer, _PATIENCE)
        except (TimeoutError, OSError):
            return b""
        finally:
            transport.close()
