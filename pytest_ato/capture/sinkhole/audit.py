"""One audit's sockets in the sinkhole: connections, DNS over UDP, packets.

Owns their life from `start` to `settle`; everything of an audit comes through sockets of its own,
so nothing of one can be taken for another's.
"""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

from pytest_ato.capture.sinkhole import limits
from pytest_ato.capture.sinkhole.connection import Connection, SocketAddress, canonical
from pytest_ato.capture.sinkhole.dns import Flow, Responder
from pytest_ato.capture.sinkhole.forwarder import Forwarder
from pytest_ato.capture.sinkhole.outbox import Outbox
from pytest_ato.capture.sinkhole.packets import PacketReader
from pytest_ato.capture.sinkhole.passage import OpenConnection
from pytest_ato.capture.sinkhole.proxy import Proxy
from pytest_ato.capture.sinkhole.recorder import Recorder
from pytest_ato.capture.sinkhole.reply import Reply
from pytest_ato.capture.sinkhole.sockets import Control, destination, dropped, from_address
from pytest_ato.capture.sinkhole.wire import Join

_LONGEST = 65_535 + 64
_QUIET_ROUNDS = 3
_ROUND = 0.003
_LAST_CALLBACKS = 5
"""Turns of the loop in which aborted connections write their closing records."""


class Audit:
    """What the sinkhole has of one audit."""

    def __init__(
        self,
        outbox: Outbox,
        order: Join,
        sockets: dict[str, socket.socket],
        proxy: Proxy | None = None,
    ) -> None:
        """`sockets`: those that came with the order, by name."""
        self.serial = order.serial
        self._make = OpenConnection if order.resolver else Connection
        self._questions: set[asyncio.Task[None]] = set()
        self._proxy = proxy
        self._outbox = outbox
        self._sockets = sockets
        self._loop = asyncio.get_running_loop()
        self._recorder = Recorder(outbox.put)
        allow = self._recorder.allow_question
        self._responder = (
            Forwarder(allow, order.resolver, order.names) if order.resolver else Responder(allow)
        )
        self._packets = PacketReader()
        self._connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        """Begin to serve; what came before waits in the kernel's queues."""
        for name, sock in self._sockets.items():
            sock.setblocking(False)
            if name.startswith("tcp"):
                backlog = limits.CONNECTIONS
                server = await self._loop.create_server(self._accept, sock=sock, backlog=backlog)
                self._servers.append(server)
        self._outbox.on_change = self._flow
        self._flow()

    async def settle(self, seconds: float) -> None:
        """Take in everything that is still under way, close, and report what was lost."""
        deadline = self._loop.time() + seconds
        quiet = 0
        while quiet < _QUIET_ROUNDS and self._loop.time() < deadline:
            under_way = self._connections or self._questions or self._outbox.full
            busy = self._drain() or under_way or self._waiting()
            quiet = 0 if busy else quiet + 1
            await asyncio.sleep(_ROUND)
        self._recorder.lost("connections to their end", len(self._connections))
        if self._proxy is not None and any(one.relayed for one in self._connections):
            self._proxy.fail("it did not end its connections in time")
        self._report_drops()
        await self.close()
        for packet in self._packets.finish():
            self._recorder.packet(packet)
        self._recorder.finish()

    async def close(self) -> None:
        """End every connection and give the sockets back."""
        self._outbox.on_change = lambda: None
        if self._proxy is not None:
            self._proxy.hold(False)
        for server in self._servers:
            server.close()
        for _ in range(_LAST_CALLBACKS):
            for connection in list(self._connections):
                connection.abort()
            await asyncio.sleep(0)
        for name, sock in self._sockets.items():
            if not name.startswith("tcp"):
                self._loop.remove_reader(sock)
                sock.close()
        self._sockets.clear()

    def failed(self, reason: str) -> None:
        """Note an error of our own, so that it is never silent."""
        self._recorder.lost(f"events after an internal error ({reason})")

    def _accept(self) -> asyncio.Protocol:
        if len(self._connections) >= limits.CONNECTIONS:
            self._recorder.lost(f"connections beyond {limits.CONNECTIONS} open at a time")
            return _Refused()
        connection = self._make(
            self._recorder, self._responder, self._connections.discard, self._proxy
        )
        connection.hold(self._outbox.full)
        self._connections.add(connection)
        return connection

    def _flow(self) -> None:
        """Read, or stop reading, as the reader of the events allows."""
        full = self._outbox.full
        for connection in list(self._connections):
            connection.hold(full)
        if self._proxy is not None:
            self._proxy.hold(full)
        for name, sock in self._sockets.items():
            if name.startswith("tcp"):
                continue
            if full:
                self._loop.remove_reader(sock)
            else:
                self._loop.add_reader(sock, self._read, name)

    def _drain(self) -> bool:
        """Read every queued packet once more; returns whether there was one."""
        if self._outbox.full:
            return True
        return any(self._read(name) for name in self._sockets if not name.startswith("tcp"))

    def _waiting(self) -> bool:
        """Whether a connection waits to be accepted."""
        poll = select.poll()
        for name, sock in self._sockets.items():
            if name.startswith("tcp"):
                poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))

    def _read(self, name: str) -> int:
        """Read what a socket has, up to a fair share; returns the number of packets."""
        sock = self._sockets[name]
        take = self._read_packet if name == "packets" else self._read_question
        for count in range(limits.PACKETS_IN_A_ROW):
            try:
                take(sock)
            except BlockingIOError:
                return count
        return limits.PACKETS_IN_A_ROW

    def _read_packet(self, sock: socket.socket) -> None:
        for packet in self._packets.read(sock.recv(_LONGEST)):
            self._recorder.packet(packet)

    def _read_question(self, sock: socket.socket) -> None:
        wire, control, _, peer = sock.recvmsg(_LONGEST, 256)
        asked = destination(control)
        if asked is None:
            self._recorder.lost("DNS questions without their destination")
            return
        client, port = canonical(peer)
        flow = Flow(client, port, asked, "udp")

        def answer(reply: Reply) -> None:
            self._answer(sock, reply, from_address(asked), peer)

        if isinstance(self._responder, Forwarder):
            task = self._loop.create_task(_then(self._responder.ask(wire, flow), answer))
            self._questions.add(task)
            task.add_done_callback(self._questions.discard)
        else:
            answer(self._responder.answer(wire, flow))

    def _answer(
        self, sock: socket.socket, reply: Reply, origin: Control, peer: SocketAddress
    ) -> None:
        for event in reply.events:
            self._recorder.emit(event)
        if reply.data:
            with suppress(OSError):  # the client may be gone; its question is recorded
                sock.sendmsg([reply.data], [origin], 0, peer)

    def _report_drops(self) -> None:
        for name, sock in self._sockets.items():
            if name.startswith("tcp"):
                continue
            what = "packets" if name == "packets" else "DNS questions"
            with suppress(OSError, struct.error):
                self._recorder.lost(f"{what} that overran the socket's queue", dropped(name, sock))


async def _then(asking: Awaitable[Reply], answer: Callable[[Reply], None]) -> None:
    answer(await asking)


class _Refused(asyncio.Protocol):
    """A connection over the bound."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()
