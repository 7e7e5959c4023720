"""One stream out of several copies of it, as a library's probe and the proxy each tell one.

Owns that bytes which two sources saw come out once, and that a copy which differs comes out, too:
a program could show a probe something harmless, and send something else. Bounded: of the bytes
that came out, only digests of blocks are kept.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

BLOCK: Final = 4096
HEAD: Final = 256
"""Bytes of the beginning that are kept, by which a stream without a socket is recognised."""
MAX_BLOCKS: Final = 65536
"""Blocks that are compared; copies of what follows (beyond 256 MiB) count as differing."""


@dataclass(slots=True)
class _Copy:
    """What one source told."""

    offset: int = 0
    """Of the next byte that is expected."""
    buffer: bytearray = field(default_factory=bytearray)
    """Bytes of the block that `offset` lies in."""
    whole: bool = True
    """The buffer has the block from its beginning on."""
    second: bool = False
    """Another copy had bytes of the buffer first."""
    before: bytes = b""
    """The block before, in case that something begins there and goes on in one that differs."""
    differs: bool = False
    """One block was different, so all that follows counts as different."""


@dataclass(frozen=True, slots=True)
class New:
    """Bytes that no copy had before (`main`), or that differ from those of another copy."""

    data: bytes
    main: bool = True
    gap: bool = False
    """Bytes are missing before these."""


class Copies:
    """The copies of one direction of one connection."""

    def __init__(self) -> None:
        self.position = 0
        """Offset after the last byte that came out."""
        self.missing = 0
        """Bytes before it that no source had at the time."""
        self.head = b""
        self._copies: dict[Hashable, _Copy] = {}
        self._digests: list[bytes] = []
        self._block = bytearray()
        self._block_whole = True

    def take(self, source: Hashable, offset: int, data: bytes) -> list[New]:
        """Take the next bytes of one copy; return what is new."""
        known = self.position
        found = self._extend(offset, data)
        copy = self._copies.setdefault(source, _Copy())
        if offset != copy.offset:  # something is missing: the blocks that it cuts are no proof
            found += _differing(copy)
            copy.offset, copy.whole = offset, offset % BLOCK == 0
        at = 0
        while at < len(data):
            piece = data[at : at + BLOCK - copy.offset % BLOCK]
            copy.second |= copy.offset < known
            copy.buffer += piece
            copy.offset += len(piece)
            at += len(piece)
            if copy.offset % BLOCK == 0:
                found += self._compare(copy)
        return found

    def end(self, source: Hashable) -> list[New]:
        """The source tells no more: return what of its last bytes is not proven to be a copy."""
        copy = self._copies.pop(source, None)
        if copy is None:
            return []
        is_last = copy.offset // BLOCK == len(self._digests) and self._block_whole
        if copy.whole and is_last and self._block.startswith(copy.buffer):
            return []
        return _differing(copy)

    def end_all(self) -> list[New]:
        """No source tells more."""
        return [new for source in tuple(self._copies) for new in self.end(source)]

    def _extend(self, offset: int, data: bytes) -> list[New]:
        """Put what lies beyond the last known byte behind it."""
        skipped = max(0, offset - self.position)
        new = data[max(0, self.position - offset) :] if not skipped else data
        if not new:
            return []
        if skipped:
            self.missing += skipped
            self._skip(offset)
        if len(self.head) < HEAD and not self.missing:
            self.head += new[: HEAD - len(self.head)]
        self._append(new)
        return [New(new, gap=skipped > 0)]

    def _skip(self, offset: int) -> None:
        missing = min(offset // BLOCK, MAX_BLOCKS) - len(self._digests)
        self._digests += [b""] * max(0, missing)
        self._block.clear()
        self._block_whole = offset % BLOCK == 0
        self.position = offset

    def _append(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            piece = data[at : at + BLOCK - self.position % BLOCK]
            self._block += piece
            self.position += len(piece)
            at += len(piece)
            if self.position % BLOCK == 0:
                if len(self._digests) < MAX_BLOCKS:
                    self._digests.append(_digest(self._block) if self._block_whole else b"")
                self._block.clear()
                self._block_whole = True

    def _compare(self, copy: _Copy) -> list[New]:
        index = copy.offset // BLOCK - 1
        known = self._digests[index] if index < len(self._digests) else b""
        if copy.whole and known == _digest(copy.buffer):
            copy.second = False
        block = bytes(copy.buffer)
        found = _differing(copy)
        copy.whole, copy.before = True, block
        return found


def _differing(copy: _Copy) -> list[New]:
    """Empty the buffer of a block that is not proven equal, unless the copy alone told it."""
    data, second = bytes(copy.buffer), copy.second
    copy.buffer.clear()
    copy.second = False
    if not data or not (second or copy.differs):
        return []
    if not copy.differs:
        copy.differs = True
        data = copy.before + data
    return [New(data, main=False)]


def _digest(data: bytes | bytearray) -> bytes:
    return blake2b(data, digest_size=8).digest()
