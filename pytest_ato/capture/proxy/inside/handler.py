"""One connection in the proxy: from its preface to its last frame.

Owns mitmproxy's hooks for it. In `sinkhole` mode every upstream is the sinkhole's plaintext port on
loopback, in `open` mode the server that the client named. The source address on loopback, one of
127.0.0.0/8 for each connection, says everywhere which connection it is.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from mitmproxy import http, tls
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events, layer, mode_specs
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers.tls import ServerTLSLayer
from mitmproxy.proxy.server import LiveConnectionHandler
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from .certificates import Certificates
from .channel import Channel
from .frames import END, HELLO, IN, OUT, Hello
from .layers import Interception, Top, inner

_UPSTREAMS = 128
"""Connections to the server at a time, for one of the client: HTTP/2 has one for each stream."""
_PARTING = 3.0
"""Seconds without a word from anybody after which a client that closed its side is let go."""
_LOOPBACK = int(IPv4Address("127.0.0.0"))
_MODE = mode_specs.ProxyMode.parse("regular")


class Handler(LiveConnectionHandler):  # type: ignore[misc]
    """Serves one connection; call `serve` once."""

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        options: Options,
        certificates: Certificates,
        channel: Channel,
        sink: int | None,
    ) -> None:
        """`sink`: the sinkhole's port for plaintext; None: go to the true server."""
        super().__init__(*streams, options, _MODE)
        self.max_conns: defaultdict[Any, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(_UPSTREAMS)
        )
        self._reader = streams[0]
        self._certificates = certificates
        self._channel = channel
        self._sink = sink
        self._source: str = self.client.peername[0]
        self._number = int(IPv4Address(self._source)) - _LOOPBACK
        self._interception: Interception | None = None
        self._destination = ("", 0)
        self._hello = Hello("failed")
        self._settled = False
        self._active = 0.0

    async def serve(self) -> None:
        """Read the preface, which names the destination, and serve until all is closed."""
        try:
            address, port = (await self._reader.readline()).decode().split()
            self._destination = (address, int(port))
            await self.handle_client()
            if self._interception is not None:
                self._interception.judge_silence()
        finally:
            self._channel.put(END, self._number)
            await self._channel.drained()

    # --- what the layers tell: a `Witness` ---

    def plaintext(self, data: bytes, *, out: bool) -> None:
        """Copy a piece of plaintext."""
        self.settled("intercepted")
        self._channel.put(OUT if out else IN, self._number, data)

    def settled(self, outcome: str, reason: str = "") -> None:
        """Tell once how the handshake ended."""
        if self._settled:
            return
        self._settled = True
        words = reason.encode("ascii", "backslashreplace").decode()
        version = self.client.tls_version or ""
        told = replace(self._hello, outcome=outcome, version=version, reason=words)
        self._channel.put(HELLO, self._number, told.encode())

    # --- mitmproxy's callbacks ---

    async def drain_writers(self) -> None:
        """Wait for the sinkhole as well: what it has not read holds the client back."""
        await super().drain_writers()
        await self._channel.drained()

    async def server_event(self, event: events.Event) -> None:
        """Take an event; a client that has closed its side is given a while to be answered."""
        loop = asyncio.get_running_loop()
        self._active = loop.time()
        await super().server_event(event)
        if isinstance(event, events.ConnectionClosed) and event.connection is self.client:
            loop.call_later(_PARTING, self._part)

    def _part(self) -> None:
        """End what nobody ends: after an error mitmproxy takes no notice of the client any more."""
        loop = asyncio.get_running_loop()
        rest = self._active + _PARTING - loop.time()
        client = self.transports.get(self.client)
        if client is None or client.handler is None:
            return
        if rest > 0:
            loop.call_later(rest, self._part)
        else:
            client.handler.cancel("the client is gone")

    async def handle_hook(self, hook: commands.StartHook) -> None:
        """Call the method below that has the hook's name."""
        method = getattr(self, f"on_{hook.name}", None)
        if method is not None:
            method(*hook.args())

    def on_next_layer(self, asking: layer.NextLayer) -> None:
        """Choose: TLS first, then what its plaintext looks like."""
        if self._interception is not None:
            asking.layer = inner(asking, self._destination[1])
            self._interception.in_head = isinstance(asking.layer, http_layers.HttpLayer)
            return
        context = asking.context
        if self._sink is None:
            context.server.address = self._destination
            context.server.tls = True
            top: Any = ServerTLSLayer(context)
            top.child_layer = self._interception = Interception(context, self)
        else:
            context.server.address = ("127.0.0.1", self._sink)
            top = Top(context, self)
            self._interception = top.child_layer
        asking.layer = top

    def on_tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Note what the client offers."""
        hello = data.client_hello
        names = [body[5:] for kind, body in hello.extensions if kind == 0]
        self._hello = Hello(
            "failed",
            (names[0] if names else b"").decode("latin-1"),
            tuple(name.decode("latin-1") for name in hello.alpn_protocols[:16]),
        )

    def on_tls_start_client(self, start: tls.TlsData) -> None:
        """Show the client a certificate for the name that it asked for."""
        start.ssl_conn = self._certificates.server_side(self.client.sni, self._destination[0])

    def on_tls_start_server(self, start: tls.TlsData) -> None:
        """Check the true server as a careful client would."""
        offers = self.client.alpn_offers
        name = self.client.sni or self._destination[0]
        start.conn.sni = name
        start.ssl_conn = self._certificates.client_side(name, offers)

    def on_server_connect(self, data: ServerConnectionHookData) -> None:
        """Bind the way to the sinkhole to this connection's own address."""
        if self._sink is not None:
            data.server.sockname = (self._source, 0)

    def on_requestheaders(self, flow: http.HTTPFlow) -> None:
        """Pass the body on as it comes, to the sinkhole in plain HTTP."""
        if self._interception is not None:
            self._interception.in_head = False
        flow.request.stream = True
        if self._sink is not None:
            # HTTP/2 frames its bodies; mitmproxy would send them on without any frame.
            if flow.request.is_http2 and "content-length" not in flow.request.headers:
                flow.request.headers["transfer-encoding"] = "chunked"
            # Not by the setters, which would change the Host header, too.
            flow.request.data.scheme = b"http"
            flow.request.data.host, flow.request.data.port = "127.0.0.1", self._sink

    def on_request(self, _: http.HTTPFlow) -> None:
        """Begin to count the next head."""
        if self._interception is not None:
            self._interception.start_head()

    def on_responseheaders(self, flow: http.HTTPFlow) -> None:
        """Pass the body on as it comes."""
        flow.response.stream = True

    def on_websocket_message(self, flow: http.HTTPFlow) -> None:
        """Keep no message: the plaintext has gone to the sinkhole already."""
        flow.websocket.messages.clear()
