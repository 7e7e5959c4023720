"""HTTP/2 from the client's side: frames, header blocks, bodies; also of a stream joined midway.

Owns the frames (RFC 9113) and the header compression (RFC 7541) of one direction. A frame that is
wrong comes out as it was sent and the next is read; where no frame can be, all that follows is
`Rest`. Headers that refer to entries from before the view began have empty names and values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hpack import Decoder, HPACKError
from hpack.table import HeaderTable
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import ContinuationFrame, DataFrame, Frame, HeadersFrame, RstStreamFrame

from pytest_ato.protocols.messages import Body, End, Header, Message, Request, Rest, Trailer, Unread

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MAX_FRAME: Final = 1 << 20
"""Bytes of a frame; servers allow 16 KiB unless they say otherwise, and none says so much."""
MAX_BLOCK: Final = 32 << 10
"""Bytes of a header block with its continuations; a flood of them comes out as it was sent."""
MAX_STREAMS: Final = 256
"""Streams that are known to be open at once."""

_HEAD: Final = 9
_MAX_HEADERS: Final = 64 << 10
_TABLE: Final = 64 << 10
"""Size of the table that a client may use: servers that allow more than 4 KiB allow this."""
# By type (RFC 9113, 6): flags that may be set, and the lengths that there are.
_KNOWN: Final[dict[int, tuple[int, range]]] = {
    0x0: (0x09, range(MAX_FRAME)),
    0x1: (0x2D, range(1, MAX_FRAME)),
    0x2: (0x00, range(5, 6)),
    0x3: (0x00, range(4, 5)),
    0x4: (0x01, range(0, 601, 6)),
    0x6: (0x01, range(8, 9)),
    0x7: (0x00, range(8, MAX_FRAME)),
    0x8: (0x00, range(4, 5)),
    0x9: (0x04, range(MAX_FRAME)),
}
_OF_THE_CONNECTION: Final = frozenset({0x4, 0x6, 0x7})


class _Table(HeaderTable):
    """A header table that was joined midway: an entry from before is empty."""

    def get_by_index(self, index: int) -> tuple[bytes, bytes]:
        if index > self.STATIC_TABLE_LENGTH + len(self.dynamic_entries):
            return b"", b""
        return super().get_by_index(index)


@dataclass(slots=True)
class _Block:
    """A header block that goes on in further frames."""

    stream: int
    ends_stream: bool
    data: bytearray = field(default_factory=bytearray)


class Http2:
    """Reads the requests of one connection; their numbers are those of the streams."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._decoder = Decoder(max_header_list_size=_MAX_HEADERS)
        self._decoder.header_table = _Table()
        self._decoder.max_allowed_table_size = _TABLE
        self._block: _Block | None = None
        self._open: dict[int, None] = {}
        self._begun = False
        self._lost = False

    def feed(self, data: bytes) -> list[Message]:
        """Take the next bytes; return what they make certain."""
        self._buffer += data
        found: list[Message] = []
        if not self._begun:
            if len(self._buffer) < len(PREFACE) and PREFACE.startswith(self._buffer):
                return []
            self._begun = True
            if self._buffer.startswith(PREFACE):
                del self._buffer[: len(PREFACE)]
        while self._frame(found):
            pass
        return found

    def close(self) -> list[Message]:
        """The stream ended, or goes on after a gap."""
        found: list[Message] = []
        self._cut_off(found)
        if self._buffer:
            found.append(Rest(bytes(self._buffer)))
        found += [End(stream) for stream in self._open]
        self._buffer.clear()
        self._open.clear()
        return found

    def _frame(self, found: list[Message]) -> bool:
        """Take one frame off the buffer; False: it is not whole."""
        buffer = self._buffer
        if not self._lost and len(buffer) >= _HEAD and not _is_frame(buffer):
            self._lost = True
        if self._lost:
            if buffer:
                found.append(Rest(bytes(buffer)))
                buffer.clear()
            return False
        size = _HEAD + int.from_bytes(buffer[:3], "big")
        if len(buffer) < max(size, _HEAD):
            return False
        head, payload = bytes(buffer[:_HEAD]), bytes(buffer[_HEAD:size])
        del buffer[:size]
        try:
            frame, _ = Frame.parse_frame_header(memoryview(head))
            frame.parse_body(memoryview(payload))
        except HyperframeError:
            found.append(Rest(payload))
            return True
        self._take(frame, payload, found)
        return True

    def _take(self, frame: Frame, payload: bytes, found: list[Message]) -> None:
        ends = "END_STREAM" in frame.flags
        match frame:
            case DataFrame():
                if frame.data:
                    found.append(Body(frame.stream_id, bytes(frame.data)))
                self._padding(frame, payload, found)
                if ends:
                    self._end(frame.stream_id, found)
            case HeadersFrame():
                self._cut_off(found)
                self._block = _Block(frame.stream_id, ends)
                self._continue(frame.data, "END_HEADERS" in frame.flags, found)
            case ContinuationFrame():
                if self._block is None or self._block.stream != frame.stream_id:
                    found.append(Rest(payload))
                else:
                    self._continue(frame.data, "END_HEADERS" in frame.flags, found)
            case RstStreamFrame():
                self._end(frame.stream_id, found)
            case _ if payload:
                # What settings, pings and the like say, unknown frames above all.
                found.append(Rest(payload))

    def _padding(self, frame: DataFrame, payload: bytes, found: list[Message]) -> None:
        """Padding is zeros (RFC 9113, 6.1); anything else is told."""
        padding = payload[len(payload) - frame.pad_length :] if frame.pad_length else b""
        if padding.strip(b"\0"):
            found.append(Rest(padding))

    def _cut_off(self, found: list[Message]) -> None:
        """A header block that the client did not end, or that is too long."""
        if self._block is not None:
            found += [Rest(bytes(self._block.data)), Unread()]
            self._block = None

    def _continue(self, data: bytes, ended: bool, found: list[Message]) -> None:
        block = self._block
        assert block is not None
        block.data += data
        if len(block.data) > MAX_BLOCK:
            self._cut_off(found)
        elif ended:
            self._block = None
            self._headers(block, found)

    def _headers(self, block: _Block, found: list[Message]) -> None:
        data = bytes(block.data)
        try:
            decoded = self._decoder.decode(data, raw=True)
        except (HPACKError, IndexError, ValueError):
            found += [Rest(data), Unread()]
            return
        headers = tuple((bytes(name), bytes(value)) for name, value in decoded)
        if block.stream in self._open:
            found.append(Trailer(block.stream, headers))
        else:
            if len(self._open) >= MAX_STREAMS:
                self._end(next(iter(self._open)), found)
            self._open[block.stream] = None
            found.append(_request(block.stream, headers))
        if block.ends_stream:
            self._end(block.stream, found)

    def _end(self, stream: int, found: list[Message]) -> None:
        self._open.pop(stream, None)
        found.append(End(stream))


def looks_like_http2(data: bytes) -> bool | None:
    """Whether a stream that begins so is HTTP/2, from its beginning or joined at a frame; None:
    more bytes are needed to say."""
    if data.startswith(PREFACE[: len(data)]):
        return True if len(data) >= len(PREFACE) else None
    if data[:1] != b"\0":  # the length's first byte: no frame of 64 KiB begins a stream
        return False
    return _is_frame(data) if len(data) >= _HEAD else None


def _is_frame(head: bytes | bytearray) -> bool:
    """Whether a client's frame can begin so."""
    length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
    stream = int.from_bytes(head[5:9], "big")
    if stream >> 31 or length >= MAX_FRAME:
        return False
    if kind not in _KNOWN:  # an extension, to be ignored; a stream that is none does not begin so
        return kind in range(0xA, 0x11)
    allowed, lengths = _KNOWN[kind]
    if flags & ~allowed or length not in lengths:
        return False
    if kind in _OF_THE_CONNECTION:
        return stream == 0
    return stream % 2 == 1 or (kind == 0x8 and stream == 0)


def _request(stream: int, headers: tuple[Header, ...]) -> Request:
    known = dict(reversed(headers))
    return Request(
        number=stream,
        method=known.get(b":method", b""),
        target=known.get(b":path", b""),
        host=known.get(b":authority", b"") or known.get(b"host", b""),
        headers=tuple(header for header in headers if header[0][:1] != b":"),
        version="2",
        scheme=known.get(b":scheme", b""),
    )
