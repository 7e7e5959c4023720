"""Reading a BPF ring buffer by mapping it, without a callback a record.

Owns the consumer's side of `BPF_MAP_TYPE_RINGBUF` (Linux 5.8, kernel/bpf/ringbuf.c): page 0 is the
consumer's position (ours to write), page 1 the producer's, then the data. The kernel offers these
twice in a row, so that no record ends at the start; we map them once, since each page mapped takes
time. Knows record headers, not records.
"""

from __future__ import annotations

import mmap
from typing import Final

_BUSY: Final = 1 << 31
_DISCARDED: Final = 1 << 30
_LENGTH: Final = _DISCARDED - 1
_HEADER: Final = 8


class Ring:
    """One ring of `size` bytes (a power of two) behind the map descriptor `fd`."""

    def __init__(self, fd: int, size: int) -> None:
        page = mmap.PAGESIZE
        self.size = size
        self._consumer_map = mmap.mmap(fd, page, mmap.MAP_SHARED, offset=0)
        self._data_map = mmap.mmap(fd, page + size, mmap.MAP_SHARED, mmap.PROT_READ, offset=page)
        # One 8-byte store and load each, as the kernel's atomics expect.
        self._consumer = memoryview(self._consumer_map)[:8].cast("Q")
        self._producer = memoryview(self._data_map)[:8].cast("Q")
        self._data = memoryview(self._data_map)[page:]

    def backlog(self) -> int:
        """Bytes that wait to be read."""
        return self._producer[0] - self._consumer[0]

    def drain(self, limit: int, stride: int = 0) -> bytes:
        """Copy out complete records, headers included, at most `limit` bytes, and free their room.

        With a `stride`, records are known to lie at its multiples; when every one is exactly one
        stride long, which is the usual case, this costs a few copies however many there are.
        `limit` must be a multiple of the stride and no smaller than the longest record.
        """
        start = self._consumer[0]
        ready = min(self._producer[0] - start, limit)
        if ready == 0:
            return b""
        with self._view(start & (self.size - 1), ready) as view:
            if not (stride and uniform(view, stride)):
                ready = _complete(view)
            data = bytes(view[:ready])
        self._consumer[0] = start + ready
        return data

    def _view(self, at: int, size: int) -> memoryview:
        beyond = at + size - self.size
        if beyond <= 0:
            return self._data[at : at + size]
        return memoryview(b"".join((self._data[at:], self._data[:beyond])))

    def close(self) -> None:
        """Unmap."""
        for view in (self._consumer, self._producer, self._data):
            view.release()
        self._consumer_map.close()
        self._data_map.close()


def uniform(view: memoryview | bytes, stride: int) -> bool:
    """Whether `view` holds complete records of exactly `stride` bytes and nothing else."""
    if len(view) % stride:
        return False
    records = len(view) // stride
    length = (stride - _HEADER).to_bytes(4, "little")
    return all(bytes(view[i::stride]) == length[i : i + 1] * records for i in range(4))


def _complete(view: memoryview) -> int:
    """Bytes up to the first record that is still being written, or cut by the end of `view`."""
    at = 0
    while at < len(view):
        header = int.from_bytes(view[at : at + 4], "little")
        after = at + ((_HEADER + (header & _LENGTH) + 7) & ~7)
        if header & _BUSY or after > len(view):
            break
        at = after
    return at


def records(data: bytes) -> list[bytes]:
    """Split what `drain` returned into records, without their headers."""
    found = []
    at = 0
    while at < len(data):
        header = int.from_bytes(data[at : at + 4], "little")
        length = header & _LENGTH
        if not header & _DISCARDED:
            found.append(data[at + _HEADER : at + _HEADER + length])
        at += (_HEADER + length + 7) & ~7
    return found
