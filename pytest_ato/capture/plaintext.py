"""From the records of TLS libraries' probes to the plaintext that connections carried.

Owns which handle of which process is which stream, what of a write counts (what the function said
that it took: one that would block is called again with the same bytes), and the joining of small
pieces. A piece is told when its call has returned, so that it can be told with its socket.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from pytest_ato.capture import abi
from pytest_ato.capture.canary import Uprobe
from pytest_ato.model.events import Tls
from pytest_ato.model.octets import octets
from pytest_ato.model.record import Event

_RECORD: Final = abi.TLS_LAYOUT.format
_JOINED: Final = 16 << 10
"""Bytes up to which pieces of one stream are told as one."""
_COUNTED: Final = 1 << 20
"""The same of pieces of which only the number is known."""
_UNRETURNED: Final = 64 << 20
"""Bytes of writes that have not returned; beyond, the oldest are told as if they had."""
KEPT: Final = 64 << 20
"""Bytes of one direction of a stream that are told; of the rest, the number."""

Via = Literal["openssl", "gnutls", "nss", "go"]
Direction = Literal["out", "in"]
VIA: Final[dict[int, Via]] = {
    abi.TLS_OPENSSL: "openssl",
    abi.TLS_GNUTLS: "gnutls",
    abi.TLS_NSS: "nss",
    abi.TLS_GOLANG: "go",
}
"""Library bits of a function's code to what they are called."""
_WOULD_BLOCK: Final = (-28, -52)
"""GNUTLS_E_AGAIN and GNUTLS_E_INTERRUPTED: the bytes are kept, and sent when it is called again."""
_PROBES: Final = {
    abi.TLS_OUT: ("tls_enter",),
    abi.TLS_DONE: ("tls_leave",),
    abi.TLS_WROTE: ("tls_enter", "tls_leave"),
}
"""What fired for a record to be there."""


@dataclass
class _Stream:
    """One handle of one process, until it is given back."""

    number: int
    via: Via
    pid: int
    cookie: int = 0
    fd: int = -1
    offsets: dict[Direction, int] = field(default_factory=lambda: {"out": 0, "in": 0})
    parked: _Write | None = None
    """A write of GnuTLS that would block."""


@dataclass
class _Write:
    """A write that has not returned, with what was read of its buffer."""

    stream: _Stream
    tid: int
    size: int
    nested: bool = False
    """Within a call of another function, whose own record has the same bytes if it returns."""
    told: bool = False
    pieces: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def held(self) -> int:
        """Bytes in memory."""
        return sum(len(data) for _, data in self.pieces)


@dataclass
class _Piece:
    """Neighbouring bytes of one direction of a stream, not told yet."""

    stream: _Stream
    direction: Direction
    ts: int
    tid: int
    data: bytearray
    size: int

    def continues(self, stream: _Stream, direction: Direction, *, told: bool) -> bool:
        """Whether more of this direction may be joined to these: anything to bytes, and to a
        number another one, which is not `told`."""
        if self.stream is not stream or self.direction != direction:
            return False
        if self.data:
            return len(self.data) == self.size < _JOINED
        return not told and self.size < _COUNTED


class Plaintext:
    """Decodes the records of one audit, in the order of the ring."""

    def __init__(self) -> None:
        self._streams: dict[tuple[int, int, int], _Stream] = {}
        self._count = 0
        self._writes: dict[tuple[int, int, int], _Write] = {}
        self._held = 0
        self._piece: _Piece | None = None

    def decode(self, records: list[bytes]) -> Iterator[Event]:
        """Events of one drain; what calls wrote that go on comes with a later one."""
        for record in records:
            yield from self._decode(record)
        yield from self._flush()

    def finish(self, now: int) -> Iterator[Event]:
        """After the last process: writes that never returned may have been sent."""
        for write in self._writes.values():
            if not write.told:
                yield from self._tell(write, now, write.size)
        self._writes.clear()
        yield from self._flush()

    def _decode(self, record: bytes) -> Iterator[Event]:
        fields = _RECORD.unpack_from(record)
        ts, pid, tid, _, flags, handle, call, cookie, size, at, fd, length, function, what = fields
        library = function & abi.TLS_LIBRARY
        if library == abi.TLS_CANARY:
            for probe in _PROBES.get(what, ()):
                yield Uprobe(ts=ts, pid=pid, tid=tid, probe=probe)
            return
        if what == abi.TLS_CLOSED:
            yield from self._close(ts, tid, (pid, handle, library))
            return
        stream = self._stream((pid, handle, library), cookie)
        stream.fd = fd if fd >= 0 else stream.fd
        data = record[_RECORD.size : _RECORD.size + length]
        if what == abi.TLS_OUT:
            nested = bool(flags & abi.F_NESTED)
            write = self._writes.setdefault((pid, handle, call), _Write(stream, tid, size, nested))
            write.pieces.append((at, data))
            self._held += length
            yield from self._bound(ts)
        elif what == abi.TLS_DONE:
            write = self._returned((pid, handle, call)) or _Write(stream, tid, size)
            yield from self._done(ts, write, size)
        elif what == abi.TLS_WROTE:
            yield from self._done(ts, _Write(stream, tid, at, pieces=[(0, data)]), size)
        elif what == abi.TLS_IN:
            yield from self._add(stream, "in", (ts, tid), data, min(size - at, abi.CHUNK))
        elif what == abi.TLS_COUNTED:
            yield from self._add(stream, "in", (ts, tid), b"", size)
        elif what == abi.TLS_SOCKET:
            yield from self._flush()
            yield _event(_Piece(stream, "out", ts, tid, bytearray(), 0))

    def _stream(self, key: tuple[int, int, int], cookie: int) -> _Stream:
        stream = self._streams.get(key)
        if stream is None or (cookie and stream.cookie and stream.cookie != cookie):
            self._count += 1  # a handle that nobody gave back, at the same place in memory
            stream = self._streams[key] = _Stream(self._count, VIA[key[2]], key[0])
        stream.cookie = cookie or stream.cookie
        return stream

    def _close(self, ts: int, tid: int, key: tuple[int, int, int]) -> Iterator[Event]:
        stream = self._streams.pop(key, None)
        if stream is not None:
            yield from self._flush()
            end = _event(_Piece(stream, "out", ts, tid, bytearray(), 0))
            yield msgspec.structs.replace(end, closed=True)

    def _bound(self, ts: int) -> Iterator[Event]:
        """Tell the oldest writes before their return, when there are too many to hold."""
        for write in self._writes.values():
            if self._held <= _UNRETURNED:
                break
            if not write.told:
                self._held -= write.held
                yield from self._tell(write, ts, write.size)
                write.told = True
                write.pieces.clear()

    def _returned(self, key: tuple[int, int, int]) -> _Write | None:
        """Take the write that has returned, and leave out what it called within."""
        write = self._writes.pop(key, None)
        if write is None:  # its pieces were lost, and counted
            return None
        self._held -= write.held
        nested = [k for k, one in self._writes.items() if one.nested]
        for inner in nested:
            if inner[:2] == key[:2] and inner[2] >= key[2]:
                self._held -= self._writes.pop(inner).held
        return write

    def _done(self, ts: int, write: _Write, result: int) -> Iterator[Event]:
        stream = write.stream
        if result in _WOULD_BLOCK and stream.via == "gnutls":
            if write.size:
                stream.parked = write
        elif result > 0 and not write.told:
            told = stream.parked if stream.parked and not write.size else write
            stream.parked = None
            yield from self._tell(told, ts, result)

    def _tell(self, write: _Write, ts: int, taken: int) -> Iterator[Event]:
        """The first `taken` bytes; what was not captured of them as a number."""
        at = 0
        where = (ts, write.tid)
        for start, data in sorted(write.pieces, key=lambda piece: piece[0]):
            if at < start < taken:
                yield from self._add(write.stream, "out", where, b"", start - at)
            yield from self._add(write.stream, "out", where, data[: taken - start])
            at = start + len(data)
        if at < taken:
            yield from self._add(write.stream, "out", where, b"", taken - at)

    def _add(
        self,
        stream: _Stream,
        direction: Direction,
        where: tuple[int, int],
        data: bytes,
        size: int | None = None,
    ) -> Iterator[Event]:
        """Bytes that follow those of before; `size` of them where `data` is not all."""
        size = len(data) if size is None else size
        kept = data if stream.offsets[direction] < KEPT else b""
        piece = self._piece
        if piece is None or not piece.continues(stream, direction, told=bool(kept)):
            yield from self._flush()
            piece = self._piece = _Piece(stream, direction, *where, bytearray(), 0)
        piece.data += kept
        piece.size += size
        piece.ts = where[0]

    def _flush(self) -> Iterator[Event]:
        piece, self._piece = self._piece, None
        if piece is not None and piece.size:
            yield _event(piece)
            piece.stream.offsets[piece.direction] += piece.size


def _event(piece: _Piece) -> Tls:
    stream = piece.stream
    return Tls(
        ts=piece.ts,
        via=stream.via,
        stream=stream.number,
        direction=piece.direction,
        offset=stream.offsets[piece.direction],
        data=octets(bytes(piece.data)),
        size=piece.size,
        pid=stream.pid,
        tid=piece.tid,
        fd=stream.fd,
        cookie=stream.cookie,
    )
