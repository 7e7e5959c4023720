"""HTTP/1 requests, read from one direction of a connection as a lenient server would read them.

Owns the grammar (RFC 9112, and what clients get away with: bare line feeds, no Host, lengths that
are wrong) and its bounds. h11 is not used here: it refuses what many servers answer, and what it
refuses would stay unseen. Lengths only say where the next request is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from pytest_ato.protocols.messages import Body, End, Header, Message, Request, Rest, Trailer

MAX_HEAD: Final = 64 << 10
"""Bytes of a request line with its headers; what is longer is no head."""
MAX_HEADERS: Final = 256
"""Headers of a request that are told apart; a flood of more is given back as it came."""
MAX_LINE: Final = 4 << 10
"""Bytes of a line that begins a chunk."""

# A target has no blank at either end, so that a line of blanks is read once.
_START: Final = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ++"
    rb"([^ \r\n](?:[^\r\n]{0,65000}?[^ \r\n])??) ++HTTP/(1\.[0-9])\r?\n"
)
_LONGEST_METHOD: Final = 32
_METHOD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}(?: .*)?", re.DOTALL)
_END_OF_HEAD: Final = re.compile(rb"\r?\n\r?\n")
_CHUNK: Final = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?")
_ABSOLUTE: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")


class Http1:
    """Reads the requests of one connection; after something else, all that follows is `Rest`."""

    def __init__(self, first: int = 1) -> None:
        self._number = first - 1
        self._buffer = bytearray()
        self._left = 0
        """Bytes of the body, or of the chunk, that are still to come."""
        self._chunked = False
        self.upgraded = b""
        """The protocol that the `Rest` then is, where a request asked for another one:
        ``tunnel`` for CONNECT, or what it said in Upgrade, in lower case."""
        self._searched = 0
        """Bytes of the buffer in which no head ends."""
        self._read: Callable[[list[Message]], bool] = self._head

    def feed(self, data: bytes) -> list[Message]:
        """Take the next bytes; return what they make certain."""
        self._buffer += data
        found: list[Message] = []
        while self._buffer and self._read(found):
            pass
        return found

    def close(self) -> list[Message]:
        """The stream ended: what is still waited for does not come."""
        found: list[Message] = []
        if self._read == self._head and _START.match(self._buffer):
            self._buffer += b"\r\n\r\n"  # a head that was cut off is one all the same
            self._searched = 0
            self._head(found)
        if self._buffer:
            found.append(Rest(bytes(self._buffer)))
            self._buffer.clear()
        if self._read in (self._body, self._chunk, self._trailer):
            found.append(End(self._number))
        self._read = self._rest
        return found

    # Each reader takes what it can from the buffer, and says whether another may go on.

    def _head(self, found: list[Message]) -> bool:
        buffer = self._buffer
        del buffer[: len(buffer) - len(buffer.lstrip(b"\r\n"))]
        if not buffer:
            return False
        # Only what is new is searched, so that a head in one-byte pieces costs no more.
        new, self._searched = max(0, self._searched - 3), len(buffer)
        if buffer.find(b"\n", new) < 0 and len(buffer) <= MAX_HEAD:
            if len(buffer) <= _LONGEST_METHOD + 1 and not _METHOD.fullmatch(buffer):
                self._become_rest()
                return True
            return False
        start = _START.match(buffer)
        if start is None:
            self._become_rest()
            return True
        end = _END_OF_HEAD.search(buffer, max(start.end() - 1, new), MAX_HEAD)
        if end is None:
            if len(buffer) <= MAX_HEAD:
                return False
            self._become_rest()
            return True
        # A match reads its groups from the buffer, so before that changes.
        line, head = tuple(map(bytes, start.groups())), bytes(buffer[start.end() : end.start()])
        del buffer[: end.end()]
        self._searched = 0
        self._begin(found, line, head)
        return True

    def _begin(self, found: list[Message], line: tuple[bytes, ...], head: bytes) -> None:
        self._number += 1
        lines = head.split(b"\n")
        headers = _headers(lines[:MAX_HEADERS])
        method, target, version = line
        absolute = _ABSOLUTE.match(target)
        host = next((value for name, value in headers if name == b"host"), b"")
        request = Request(
            number=self._number,
            method=method,
            target=target,
            host=host or (absolute.group(1) if absolute else b""),
            headers=headers,
            version=version.decode(),
        )
        found.append(request)
        if len(lines) > MAX_HEADERS:
            found.append(Rest(b"\n".join(lines[MAX_HEADERS:])))
        self._frame(found, request)

    def _frame(self, found: list[Message], request: Request) -> None:
        """Choose how the body's end is found (RFC 9112, section 6.3)."""
        self._chunked = b"chunked" in request.header(b"transfer-encoding").lower()
        length = request.header(b"content-length").strip()
        self._left = int(length) if length.isdigit() and len(length) < 19 else 0
        connect = b"tunnel" if request.method == b"CONNECT" else b""
        self.upgraded = connect or request.header(b"upgrade").lower()
        if self.upgraded:
            found.append(End(self._number))
            self._read = self._rest
        elif self._chunked:
            self._left = 0
            self._read = self._chunk
        elif self._left:
            self._read = self._body
        else:
            found.append(End(self._number))
            self._read = self._head

    def _body(self, found: list[Message]) -> bool:
        data = bytes(self._buffer[: self._left])
        del self._buffer[: len(data)]
        self._left -= len(data)
        if data:
            found.append(Body(self._number, data))
        if self._left:
            return False
        if self._chunked:
            self._read = self._chunk
        else:
            found.append(End(self._number))
            self._read = self._head
        return True

    def _chunk(self, found: list[Message]) -> bool:
        line, ended, _ = self._buffer[: MAX_LINE + 1].partition(b"\n")
        if not ended and len(line) <= MAX_LINE:
            return False
        text = bytes(line).rstrip(b"\r")
        if not text and ended:  # the line end after a chunk's data
            del self._buffer[: len(line) + 1]
            return True
        match = _CHUNK.fullmatch(text)
        if match is None:
            found.append(End(self._number))
            self._read = self._rest
            return True
        del self._buffer[: len(line) + 1]
        self._left = int(match.group(1), 16)
        self._read = self._body if self._left else self._trailer
        return True

    def _trailer(self, found: list[Message]) -> bool:
        line, ended, _ = self._buffer[: MAX_HEAD + 1].partition(b"\n")
        if not ended and len(line) <= MAX_HEAD:
            return False
        text = bytes(line).rstrip(b"\r")
        if text and (b":" not in text or _START.match(bytes(line) + b"\n")):
            found.append(End(self._number))
            self._read = self._head
            return True
        del self._buffer[: len(line) + 1]
        if text:
            found.append(Trailer(self._number, _headers([text])))
        else:
            found.append(End(self._number))
            self._read = self._head
        return True

    def _become_rest(self) -> None:
        self._read = self._rest

    def _rest(self, found: list[Message]) -> bool:
        found.append(Rest(bytes(self._buffer)))
        self._buffer.clear()
        return False


def looks_like_http1(data: bytes) -> bool | None:
    """Whether a stream that begins so is HTTP/1; None: more bytes are needed to say."""
    text = data.lstrip(b"\r\n")
    if b"\n" in text:
        return _START.match(text) is not None
    if len(data) > MAX_HEAD or (text and not _METHOD.fullmatch(text)):
        return False
    return None


def _headers(lines: list[bytes]) -> tuple[Header, ...]:
    """Split header lines; a folded line (obsolete, and obeyed by some) goes on the one before."""
    headers: list[Header] = []
    for line in lines:
        text = line.rstrip(b"\r")
        if not text:
            continue
        if text[:1] in (b" ", b"\t") and headers:
            name, value = headers[-1]
            headers[-1] = (name, value + b" " + text.strip())
            continue
        name, _, value = text.partition(b":")
        headers.append((name.strip().lower(), value.strip()))
    return tuple(headers)
