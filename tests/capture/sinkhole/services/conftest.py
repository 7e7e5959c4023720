"""How a service of the sinkhole is asked: through the HTTP server, as a client would."""

from __future__ import annotations

from collections.abc import Callable

import h11
import pytest

from pytest_ato.capture.sinkhole.http import HttpServer


class Response:
    def __init__(self, data: bytes, method: str) -> None:
        client = h11.Connection(h11.CLIENT)
        client.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        client.send(h11.EndOfMessage())
        client.receive_data(data)
        head = client.next_event()
        assert isinstance(head, h11.Response)
        self.status = head.status_code
        self.headers = {name.decode(): value.decode() for name, value in head.headers}
        self.body = b""
        while isinstance(event := client.next_event(), h11.Data):
            self.body += event.data


Ask = Callable[..., Response]


@pytest.fixture
def ask() -> Ask:
    """``ask("GET", "host.example", "/path", {"X": "y"}, body=b"", address="...")``."""

    def run(
        method: str,
        host: str,
        target: str = "/",
        headers: dict[str, str] | None = None,
        *,
        body: bytes = b"",
        address: str = "198.18.0.1",
    ) -> Response:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        request = "\r\n".join([*lines, "", ""]).encode() + body
        reply = HttpServer(address).receive(request)
        return Response(reply.data, method)

    return run
