"""One direction of one connection, read as the protocol that it speaks.

Owns the choice of the parser by the first bytes, what follows a tunnel or an upgrade, and the way
from a parser's messages to `Exchange` and `Payload`. Bounded: of a stream that is not yet known to
be anything, at most one head is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final, TypeVar

from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.traffic import Channel, Exchange, Payload, Traffic
from pytest_ato.model.octets import octets, show
from pytest_ato.protocols.body import BodyReader, Decoded
from pytest_ato.protocols.http1 import Http1, looks_like_http1
from pytest_ato.protocols.http2 import Http2, looks_like_http2
from pytest_ato.protocols.messages import (
    Body,
    End,
    Header,
    Message,
    Parser,
    Request,
    Rest,
    Trailer,
    Unread,
)
from pytest_ato.protocols.websocket import WebSocket

URL: Final = 500
"""Characters of a URL that an exchange shows."""
MAX_OPEN: Final = 128
"""Bodies of one connection that are read at once; of more, the oldest counts as ended."""
MAX_INSIDE: Final = 8
"""Tunnels in a tunnel that are entered; what is further inside comes as it was sent."""
_Made = TypeVar("_Made", bound=Traffic)


@dataclass(frozen=True, slots=True)
class Place:
    """Between whom the bytes go."""

    connection: int
    destination: str
    address: str
    port: int
    process: ProcessState | None
    channel: Channel
    path: tuple[str, ...]

    def make(self, kind: type[_Made], ts: int, **fields: Any) -> _Made:  # noqa: ANN401
        """An event of this connection."""
        return kind(
            ts=ts,
            connection=self.connection,
            destination=self.destination,
            address=self.address,
            port=self.port,
            process=self.process,
            channel=self.channel,
            **fields,
        )


class Numbers:
    """Numbers that are unique within one audit."""

    def __init__(self) -> None:
        self.parts = count(1)
        self.exchanges = count(1)


@dataclass(slots=True)
class _Open:
    exchange: int
    body: BodyReader
    parts: dict[int, tuple[tuple[str, ...], int]]
    """Path and number of each part, by its number within the body."""


class View:
    """Reads one direction of one connection; feed it in order, then `close` it."""

    def __init__(
        self, place: Place, numbers: Numbers, parser: Parser | None = None, *, inside: int = 0
    ) -> None:
        """`inside`: how many tunnels it is read through."""
        self.place = place
        self._numbers = numbers
        self._parser = parser
        self._inside = inside
        self._start = bytearray()
        self._raw = 0
        """The part of bytes that no parser takes; 0: none yet."""
        self._open: dict[int, _Open] = {}
        self._inner: View | None = None

    def feed(self, data: bytes, ts: int) -> Iterator[Traffic]:
        """Take the next bytes; yield what they make certain."""
        if self._inner is not None:
            yield from self._inner.feed(data, ts)
            return
        if self._parser is None and not self._raw:
            self._start += data
            data = bytes(self._start)
            is_http1, is_http2 = looks_like_http1(data), looks_like_http2(data)
            if is_http1 is None or (is_http2 is None and not is_http1):
                return
            self._start.clear()
            self._parser = Http1() if is_http1 else Http2() if is_http2 else None
        if self._parser is None:
            yield self._rest(data, ts)
        else:
            yield from self._take(self._parser.feed(data), ts)

    def close(self, ts: int) -> Iterator[Traffic]:
        """The stream ended, or goes on after a gap."""
        if self._inner is not None:
            yield from self._inner.close(ts)
            self._inner = None
        if self._start:
            yield self._rest(bytes(self._start), ts)
            self._start.clear()
        if self._parser is not None:
            yield from self._take(self._parser.close(), ts)
        for number in tuple(self._open):
            yield from self._end(number, ts)
        self._parser, self._raw = None, 0

    def _take(self, messages: list[Message], ts: int) -> Iterator[Traffic]:
        for message in messages:
            match message:
                case Request():
                    yield from self._request(message, ts)
                case Body():
                    yield from self._body(message, ts)
                case Trailer():
                    exchange = self._open[message.number].exchange if self._is_open(message) else 0
                    yield self._text("http header", _lines(message.headers), exchange, ts)
                case End():
                    yield from self._end(message.number, ts)
                case Rest():
                    yield from self._after(message.data, ts)
                case Unread():
                    yield self._unread(ts)

    def _is_open(self, message: Body | Trailer) -> bool:
        return message.number in self._open

    def _request(self, request: Request, ts: int) -> Iterator[Traffic]:
        number = next(self._numbers.exchanges)
        if len(self._open) >= MAX_OPEN:
            yield from self._end(next(iter(self._open)), ts)
        self._open[request.number] = _Open(number, BodyReader(request), {})
        url = self._url(request)
        yield self.place.make(Exchange, ts, number=number, request=request, url=url)
        yield self._text("http url", request.target, number, ts)
        if request.headers:
            yield self._text("http header", _lines(request.headers), number, ts)

    def _url(self, request: Request) -> str:
        target = request.target
        if b"://" not in target[:16] and request.method != b"CONNECT":
            secure = self.place.channel == "tls"
            scheme = request.scheme or (b"https" if secure else b"http")
            target = scheme + b"://" + (request.host or self.place.destination.encode()) + target
        return show(octets(target), URL)

    def _text(self, what: str, data: bytes, exchange: int, ts: int) -> Payload:
        path = (*self.place.path, what)
        part = next(self._numbers.parts)
        return self.place.make(
            Payload, ts, path=path, part=part, data=data, exchange=exchange, last=True
        )

    def _unread(self, ts: int) -> Payload:
        path, part = (*self.place.path, "encoded"), next(self._numbers.parts)
        return self.place.make(
            Payload, ts, path=path, part=part, data=b"", last=True, cut_short=True
        )

    def _body(self, message: Body, ts: int) -> Iterator[Traffic]:
        if not self._is_open(message):  # its head was not seen
            unknown = Request(message.number, b"", b"", b"", ())
            self._open[message.number] = _Open(0, BodyReader(unknown), {})
        known = self._open[message.number]
        yield from self._decoded(known, known.body.feed(message.data), ts)

    def _decoded(self, known: _Open, pieces: list[Decoded], ts: int) -> Iterator[Traffic]:
        for piece in pieces:
            path = (*self.place.path, *self._container, *piece.undone)
            if piece.part not in known.parts:
                known.parts[piece.part] = path, next(self._numbers.parts)
            _, part = known.parts[piece.part]
            yield self.place.make(
                Payload, ts, path=path, part=part, data=piece.data, exchange=known.exchange
            )

    @property
    def _container(self) -> tuple[str, ...]:
        return () if isinstance(self._parser, WebSocket) else ("http body",)

    def _end(self, number: int, ts: int) -> Iterator[Traffic]:
        known = self._open.pop(number, None)
        if known is not None:
            yield from self._decoded(known, known.body.close(), ts)
            for path, part in known.parts.values():
                yield self.place.make(
                    Payload,
                    ts,
                    path=path,
                    part=part,
                    data=b"",
                    exchange=known.exchange,
                    last=True,
                    cut_short=known.body.cut_short,
                )

    def _after(self, data: bytes, ts: int) -> Iterator[Traffic]:
        """What is no HTTP any more: another protocol, or only bytes."""
        upgraded = self._parser.upgraded if isinstance(self._parser, Http1) else b""
        if upgraded and self._inside < MAX_INSIDE:
            is_websocket = upgraded == b"websocket"
            name = "websocket" if is_websocket else "http tunnel"
            inner = replace(self.place, path=(*self.place.path, name))
            parser = WebSocket() if is_websocket else None
            self._inner = View(inner, self._numbers, parser, inside=self._inside + 1)
            yield from self._inner.feed(data, ts)
        else:
            yield self._rest(data, ts)

    def _rest(self, data: bytes, ts: int) -> Payload:
        self._raw = self._raw or next(self._numbers.parts)
        return self.place.make(Payload, ts, path=self.place.path, part=self._raw, data=data)


def _lines(headers: tuple[Header, ...]) -> bytes:
    return b"\r\n".join(name + b": " + value for name, value in headers)
