"""An HTTP/1.1 server that has an answer to everything: bytes in, bytes out.

Owns the choice of the answer: a small page, JSON for who asks for JSON, and for git's smart
protocol the advertisement of an empty repository, so that ``git ls-remote`` ends with status 0
and no refs. Bodies of requests are read and dropped here (the connection records the bytes);
nothing is kept. Parsing and framing are h11's.
"""

from __future__ import annotations

import re
from email.utils import formatdate

import h11

from pytest_ato.capture.sinkhole.reply import Reply

_METHODS = (
    *(b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"TRACE "),
    *(b"CONNECT ", b"PROPFIND ", b"PROPPATCH ", b"MKCOL ", b"REPORT ", b"SEARCH "),
)
_HEAD_BYTES = 64 << 10
_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head>"
    b"<body><h1>Welcome</h1><p>It works.</p></body></html>\n"
)
_JSON = b'{"status":"ok"}\n'
_GIT = re.compile(rb"/info/refs\?(?:.*&)?service=(git-(?:upload|receive)-pack)(?:&|$)")
_GIT_CAPABILITIES = b"0" * 40 + b" capabilities^{}\0report-status agent=git/2.39.5\n"

_REASONS = {200: b"OK", 400: b"Bad Request", 405: b"Method Not Allowed"}

_Headers = list[tuple[str, str]]


def speaks(head: bytes) -> bool | None:
    """Whether a client's first bytes are a request; None: too few to tell."""
    if any(head.startswith(method) for method in _METHODS):
        return True
    return None if any(method.startswith(head) for method in _METHODS) else False


class HttpServer:
    """One connection of a client that speaks HTTP."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
        self._request: h11.Request | None = None

    def receive(self, data: bytes) -> Reply:
        """Answer every request that is complete now."""
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
            elif isinstance(event, h11.EndOfMessage) and self._request is not None:
                out += self._respond(self._request)
                if self._http.our_state is not h11.DONE:
                    return True
                self._http.start_next_cycle()
            elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return True

    def _respond(self, request: h11.Request) -> bytes:
        status, kind, body = _answer(request)
        headers: _Headers = [
            ("Server", "nginx"),
            ("Date", formatdate(usegmt=True)),
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
        ]
        sent = self._send(
            h11.Response(status_code=status, headers=headers, reason=_REASONS.get(status, b""))
        )
        if request.method != b"HEAD":
            sent += self._send(h11.Data(data=body))
        return sent + self._send(h11.EndOfMessage())

    def _refuse(self, status: int) -> bytes:
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return b""
        headers: _Headers = [("Server", "nginx"), ("Content-Length", "0"), ("Connection", "close")]
        response = self._send(
            h11.Response(status_code=status, headers=headers, reason=_REASONS.get(status, b""))
        )
        return response + self._send(h11.EndOfMessage())

    def _send(self, event: h11.Event) -> bytes:
        return self._http.send(event) or b""


def _answer(request: h11.Request) -> tuple[int, str, bytes]:
    """Return status, content type and body."""
    if request.method == b"CONNECT":
        return 405, "text/plain", b"method not allowed\n"
    if git := _GIT.search(request.target):
        service = git[1]
        body = _packet_line(b"# service=" + service + b"\n") + b"0000"
        body += _packet_line(_GIT_CAPABILITIES) + b"0000"
        return 200, f"application/x-{service.decode()}-advertisement", body
    headers = dict(request.headers)
    wanted = headers.get(b"accept", b"") + headers.get(b"content-type", b"")
    if b"json" in wanted.lower():
        return 200, "application/json", _JSON
    return 200, "text/html; charset=utf-8", _PAGE


def _packet_line(data: bytes) -> bytes:
    """Frame one line as git does: four hex digits of length, which count themselves."""
    return b"%04x" % (len(data) + 4) + data
