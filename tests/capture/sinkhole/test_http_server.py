"""The HTTP server: ordinary clients are content, and no bytes can hurt it."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture.sinkhole.http import HttpServer, speaks


class Client:
    """h11's other side: what a client makes of the answers."""

    def __init__(self) -> None:
        self.server = HttpServer()
        self.http = h11.Connection(h11.CLIENT)

    def request(
        self,
        method: str = "GET",
        target: str = "/",
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> tuple[h11.Response, bytes]:
        request = h11.Request(method=method, target=target, headers=[("Host", "x"), *headers])
        out = self.http.send(request) or b""
        if body:
            out += self.http.send(h11.Data(data=body)) or b""
        out += self.http.send(h11.EndOfMessage()) or b""
        reply = self.server.receive(out)
        self.http.receive_data(reply.data)
        return self.response()

    def response(self) -> tuple[h11.Response, bytes]:
        response, body = None, b""
        while not isinstance(event := self.http.next_event(), h11.EndOfMessage):
            assert not isinstance(event, type), event
            if isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                body += event.data
        assert response is not None
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
        return response, body


def header(response: h11.Response, name: bytes) -> bytes:
    return dict(response.headers)[name]


def test_a_get_has_a_page():
    response, body = Client().request()
    assert (response.status_code, response.reason) == (200, b"OK")
    assert header(response, b"content-type").startswith(b"text/html")
    assert body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize(
    "headers", [(("Accept", "application/json"),), (("Content-Type", "application/json"),)]
)
def test_who_speaks_json_has_json(headers):
    response, body = Client().request("POST", "/api", (*headers, ("Content-Length", "2")), b"{}")
    assert header(response, b"content-type") == b"application/json"
    assert body == b'{"status":"ok"}\n'


def test_a_head_has_the_headers_of_the_get_and_no_body():
    got, body = Client().request("GET")
    head, nothing = Client().request("HEAD")
    assert header(head, b"content-length") == header(got, b"content-length") == b"%d" % len(body)
    assert nothing == b""


def test_a_connection_is_kept_for_the_next_request():
    client = Client()
    for _ in range(5):
        assert client.request()[0].status_code == 200
    assert client.request("HEAD")[0].status_code == 200
    assert client.request("POST", "/", (("Content-Length", "3"),), b"abc")[0].status_code == 200


def test_chunked_and_pipelined_bodies_are_read_to_their_end():
    chunked = (
        b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    server = HttpServer()
    first = server.receive(chunked[:70])
    assert first.data == b""
    rest = server.receive(chunked[70:] + b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n")
    assert rest.data.count(b"HTTP/1.1 200 OK") == 2
    assert not rest.close


def test_a_client_that_expects_100_is_told_to_continue():
    server = HttpServer()
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    assert server.receive(head).data.startswith(b"HTTP/1.1 100 ")
    assert server.receive(b"data").data.startswith(b"HTTP/1.1 200 OK")


def test_a_connection_that_the_client_wants_closed_is_closed():
    server = HttpServer()
    assert server.receive(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").close
    old = HttpServer().receive(b"GET / HTTP/1.0\r\n\r\n")
    assert old.close
    assert old.data.startswith(b"HTTP/1.1 200 OK")


def test_git_is_offered_an_empty_repository():
    response, body = Client().request(target="/x.git/info/refs?service=git-upload-pack")
    assert header(response, b"content-type") == b"application/x-git-upload-pack-advertisement"
    assert body.startswith(b"001e# service=git-upload-pack\n0000")
    length = int(body[34:38], 16)
    assert body[34 + length :] == b"0000"


def test_a_tunnel_is_refused():
    reply = HttpServer().receive(b"CONNECT x.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert reply.data.startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * (1 << 17), b"431"),
    ],
)
def test_a_bad_request_is_refused_and_closed(data, status):
    reply = HttpServer().receive(data)
    assert reply.close
    assert reply.data.startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GET / HTTP/1.1", True),
        (b"POST ", True),
        (b"PO", None),
        (b"P", None),
        (b"POSTER", False),
        (b"GETX", False),
        (b"EHLO x", False),
        (b"\x16\x03\x01", False),
    ],
)
def test_a_request_is_told_by_its_first_bytes(head, expected):
    assert speaks(head) is expected


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_any_bytes_are_taken(pieces):
    server = HttpServer()
    for piece in pieces:
        if server.receive(piece).close:
            break


REQUEST = b"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"


@given(st.data())
def test_a_damaged_request_is_taken_and_always_answered_or_awaited(data):
    wire = bytearray(REQUEST)
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    reply = HttpServer().receive(bytes(wire))
    assert reply.data == b"" or reply.data.startswith(b"HTTP/1.1 ")


@given(st.integers(1, 20))
def test_a_split_request_is_answered_once(step):
    server = HttpServer()
    pieces = [REQUEST[at : at + step] for at in range(0, len(REQUEST), step)]
    answers = b"".join(server.receive(piece).data for piece in pieces)
    assert answers.count(b"HTTP/1.1 200 OK") == 1
