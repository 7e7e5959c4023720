"""An HTTP/1.1 server that has an answer to everything: bytes in, bytes out.

Owns the framing, which is h11's, and the answer to who asks no service that is played: a small
page, JSON for who asks for JSON, and for git's smart protocol the advertisement of an empty
repository, so that ``git ls-remote`` ends with status 0 and no refs. Bodies of requests are read
and dropped here but for their first bytes (the connection records them); nothing is kept.
"""

from __future__ import annotations

import http
import re
from email.utils import formatdate

import h11

from pytest_ato.capture.sinkhole import services
from pytest_ato.capture.sinkhole.reply import Handler, Reply
from pytest_ato.capture.sinkhole.services import Answer, Request
from pytest_ato.capture.sinkhole.websocket import WebSocketServer, accept_key

_METHODS = (
    *(b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"TRACE "),
    *(b"CONNECT ", b"PROPFIND ", b"PROPPATCH ", b"MKCOL ", b"REPORT ", b"SEARCH "),
)
_HEAD_BYTES = 64 << 10
_BODY_BYTES = 8 << 10
"""Bytes of a request's body that a service may look at."""
_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head>"
    b"<body><h1>Welcome</h1><p>It works.</p></body></html>\n"
)
_JSON = b'{"status":"ok"}\n'
_GIT = re.compile(rb"/info/refs\?(?:.*&)?service=(git-(?:upload|receive)-pack)(?:&|$)")
_GIT_CAPABILITIES = b"0" * 40 + b" capabilities^{}\0report-status agent=git/2.39.5\n"

_Headers = list[tuple[str, str]]


def speaks(head: bytes) -> bool | None:
    """Whether a client's first bytes are a request; None: too few to tell."""
    if any(head.startswith(method) for method in _METHODS):
        return True
    return None if any(method.startswith(head) for method in _METHODS) else False


class HttpServer:
    """One connection of a client that speaks HTTP."""

    def __init__(self, address: str = "") -> None:
        """`address` is what the client connected to."""
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
        self._address = address
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._after: Handler | None = None
        """Who goes on after a switch of protocols."""

    def receive(self, data: bytes) -> Reply:
        """Answer every request that is complete now."""
        if self._after is not None:
            return self._after.receive(data)
        out = bytearray()
        try:
            self._http.receive_data(data)
            close = self._advance(out)
        except h11.ProtocolError as error:
            out += self._refuse(error.error_status_hint or 400)
            close = True
        return Reply(bytes(out), close=close)

    def _advance(self, out: bytearray) -> bool:
        """Handle events until more bytes are needed; returns whether to close."""
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    out += self._send(h11.InformationalResponse(status_code=100, headers=[]))
                return False
            if isinstance(event, h11.Request):
                self._request = event
                self._body.clear()
            elif isinstance(event, h11.Data):
                self._body += event.data[: _BODY_BYTES - len(self._body)]
            elif isinstance(event, h11.EndOfMessage) and self._request is not None:
                if self._switches(self._request, out):
                    return False
                out += self._respond(self._request)
                if self._http.our_state is not h11.DONE:
                    return True
                self._http.start_next_cycle()
            elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return True

    def _switches(self, request: h11.Request, out: bytearray) -> bool:
        """Whether the client goes on with a WebSocket."""
        headers = dict(request.headers)
        if headers.get(b"upgrade", b"").lower() != b"websocket":
            return False
        key = accept_key(headers.get(b"sec-websocket-key", b""))
        answer: _Headers = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", key),
        ]
        switch = h11.InformationalResponse(status_code=101, headers=answer, reason=_reason(101))
        out += self._send(switch)
        self._after = WebSocketServer()
        out += self._after.receive(self._http.trailing_data[0]).data
        return True

    def _respond(self, request: h11.Request) -> bytes:
        answer = services.answer(self._asked(request)) or _answer(request)
        headers: _Headers = [
            ("Server", "nginx"),
            ("Date", formatdate(usegmt=True)),
            ("Content-Type", answer.kind),
            ("Content-Length", str(len(answer.body))),
            *answer.headers,
        ]
        status = answer.status
        sent = self._send(h11.Response(status_code=status, headers=headers, reason=_reason(status)))
        if request.method != b"HEAD":
            sent += self._send(h11.Data(data=answer.body))
        return sent + self._send(h11.EndOfMessage())

    def _asked(self, request: h11.Request) -> Request:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers
        }
        host = headers.get("host", "").lower()
        named = re.match(r"\[[^]]*\]|[^:]*", host)
        return Request(
            method=request.method.decode("latin-1"),
            host=named[0].strip("[]") if named else "",
            address=self._address,
            target=request.target.decode("latin-1"),
            headers=headers,
            body=bytes(self._body),
        )

    def _refuse(self, status: int) -> bytes:
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return b""
        headers: _Headers = [("Server", "nginx"), ("Content-Length", "0"), ("Connection", "close")]
        response = self._send(
            h11.Response(status_code=status, headers=headers, reason=_reason(status))
        )
        return response + self._send(h11.EndOfMessage())

    def _send(self, event: h11.Event) -> bytes:
        return self._http.send(event) or b""


def _reason(status: int) -> bytes:
    try:
        return http.HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


def _answer(request: h11.Request) -> Answer:
    """Return what anybody gets who asks nobody in particular."""
    if request.method == b"CONNECT":
        return services.Answer(b"method not allowed\n", "text/plain", 405)
    if git := _GIT.search(request.target):
        service = git[1]
        body = _packet_line(b"# service=" + service + b"\n") + b"0000"
        body += _packet_line(_GIT_CAPABILITIES) + b"0000"
        return Answer(body, f"application/x-{service.decode()}-advertisement")
    headers = dict(request.headers)
    wanted = headers.get(b"accept", b"") + headers.get(b"content-type", b"")
    if b"json" in wanted.lower():
        return Answer(_JSON, "application/json")
    return Answer(_PAGE, "text/html; charset=utf-8")


def _packet_line(data: bytes) -> bytes:
    """Frame one line as git does: four hex digits of length, which count themselves."""
    return b"%04x" % (len(data) + 4) + data
