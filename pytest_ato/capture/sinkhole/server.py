"""The sinkhole's loop: orders from capture, one audit at a time.

Owns the control socket (standard input), the order in which audits begin and settle, and the
report of the process's own errors. It ends when the control socket closes: capture is gone.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic_ns

from pytest_ato.capture.sinkhole import wire
from pytest_ato.capture.sinkhole.audit import Audit
from pytest_ato.capture.sinkhole.outbox import Outbox
from pytest_ato.capture.sinkhole.proxy import Proxy


class Server:
    """Serves until the control socket closes."""

    def __init__(self, control: socket.socket, outbox: Outbox) -> None:
        self._control = control
        self._outbox = outbox
        self._audit: Audit | None = None
        self._proxy = Proxy(outbox.put)
        self._orders: asyncio.Queue[tuple[bytes, list[int]]] = asyncio.Queue()

    async def serve(self) -> None:
        """Obey orders, one after another."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._failed)
        loop.add_reader(self._control, self._take_order)
        self._outbox.put(wire.Ready(ts=monotonic_ns()))
        while True:
            message, descriptors = await self._orders.get()
            if not message:
                return
            order = wire.decode_order(message)
            if isinstance(order, wire.Join):
                await self._join(order, descriptors)
            elif isinstance(order, wire.Adopt):
                await self._adopt(descriptors)
            else:
                await self._settle(order)

    def _take_order(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(
            self._control, wire.ORDER_BYTES, len(wire.SOCKETS)
        )
        self._orders.put_nowait((message, descriptors))
        if not message:
            asyncio.get_running_loop().remove_reader(self._control)

    async def _join(self, order: wire.Join, descriptors: list[int]) -> None:
        if self._audit is not None:
            await self._audit.close()
        sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        named = dict(zip(wire.SOCKETS, sockets, strict=False))
        self._proxy.begin()
        proxy = self._proxy if order.tls else None
        self._audit = Audit(self._outbox, order, named, proxy)
        await self._audit.start()

    async def _adopt(self, descriptors: list[int]) -> None:
        if descriptors:
            await self._proxy.adopt(socket.socket(fileno=descriptors[0]))
        else:
            self._proxy.fail("")

    async def _settle(self, order: wire.Settle) -> None:
        if self._audit is not None and self._audit.serial == order.serial:
            await self._audit.settle(order.seconds)
            self._audit = None
        self._outbox.put(wire.Settled(ts=monotonic_ns(), serial=order.serial))

    def _failed(self, _: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
        error = context.get("exception")
        name = type(error).__name__ if error is not None else "no exception"
        with suppress(OSError):  # its size is bounded
            print(f"{context.get('message')}: {error!r}", file=sys.stderr)
        if self._audit is not None:
            self._audit.failed(name)


async def run(control: socket.socket, events: socket.socket) -> None:
    """Serve capture at the other end of the two sockets."""
    outbox = Outbox()
    await asyncio.get_running_loop().create_connection(lambda: outbox, sock=events)
    await Server(control, outbox).serve()
