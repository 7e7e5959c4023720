"""``/metrics`` and ``/healthz`` over HTTP, for whoever may connect.

Owns the server: few connections at once, each for a few seconds, no method but GET and HEAD.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from pytest_ato import __version__
from pytest_ato.model.closing import Closing
from pytest_ato.model.errors import UsageError

_AT_ONCE: Final = 16
_PATIENCE: Final = 5.0
"""Seconds that a client may be silent."""
_TEXT: Final = "text/plain; charset=utf-8"


class Exporter(Closing):
    """Serves until it is closed; raises `UsageError` when the address cannot be had."""

    def __init__(
        self, address: tuple[str, int], registry: CollectorRegistry, health: Callable[[], str]
    ) -> None:
        """`health` returns what is wrong; empty: nothing is."""
        handler = type(
            "Handler", (_Handler,), {"registry": registry, "health": staticmethod(health)}
        )
        try:
            self._server = _Server(address, handler)
        except OSError as error:
            raise UsageError(
                f"cannot listen on {address[0]}:{address[1]}: {error.strerror}; "
                "give another with --listen"
            ) from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; may be called twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def process_request(self, request: object, client_address: object) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)  # type: ignore[arg-type]
            return
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nobody's business."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE
    server_version = f"pytest-ato/{__version__}"
    sys_version = ""
    registry: CollectorRegistry
    health: Callable[[], str]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            self._answer(HTTPStatus.OK, encode(self.registry), kind)
        elif path == "/healthz":
            wrong = self.health()
            status = HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK
            self._answer(status, f"{wrong or 'ok'}\n".encode())
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"/metrics or /healthz\n")

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not told."""

    def _answer(self, status: HTTPStatus, body: bytes, kind: str = _TEXT) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
