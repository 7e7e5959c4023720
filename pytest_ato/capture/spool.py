"""What was captured and not yet decoded: in memory while little, else on disk.

Owns the promise that capture never waits for analysis. First in, first out.
"""

from __future__ import annotations

import struct
import tempfile
from collections import deque
from typing import IO, Final

from pytest_ato.capture.loader.maps import Batch

_HEADER: Final = struct.Struct("<QQQQ?")
_MEMORY: Final = 64 << 20


class Spool:
    """A queue of batches; beyond `memory` bytes they go through an unlinked temporary file."""

    def __init__(self, memory: int = _MEMORY) -> None:
        self._memory = memory
        self._held = 0
        self._queue: deque[Batch] = deque()
        self._file: IO[bytes] | None = None
        self._read_at = self._write_at = 0

    def put(self, batch: Batch) -> None:
        """Append; raises OSError when the disk is full, and the batch is then not kept."""
        if self._spilled or self._held > self._memory:
            self._spill(batch)
        else:
            self._queue.append(batch)
            self._held += batch.size

    def get(self) -> Batch | None:
        """Remove and return the oldest batch, or None."""
        if self._queue:
            batch = self._queue.popleft()
            self._held -= batch.size
            return batch
        return self._unspill() if self._spilled else None

    def __bool__(self) -> bool:
        return bool(self._queue) or self._spilled

    def close(self) -> None:
        """Forget everything."""
        self._queue.clear()
        if self._file:
            self._file.close()
            self._file = None
        self._held = self._read_at = self._write_at = 0

    @property
    def spilled(self) -> int:
        """Bytes that the file holds, read or not: it shrinks only when all were read."""
        return self._write_at

    @property
    def _spilled(self) -> bool:
        return self._read_at < self._write_at

    def _spill(self, batch: Batch) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        parts = (batch.critical, batch.bulk, batch.plain)
        header = _HEADER.pack(batch.drained, *map(len, parts), batch.whole)
        data = memoryview(b"".join((header, *parts)))
        self._file.seek(self._write_at)
        while data:
            data = data[self._file.write(data) :]
        self._write_at = self._file.tell()

    def _unspill(self) -> Batch:
        assert self._file is not None
        self._file.seek(self._read_at)
        drained, *sizes, whole = _HEADER.unpack(self._file.read(_HEADER.size))
        batch = Batch(drained, whole, *(self._exactly(size) for size in sizes))
        self._read_at = self._file.tell()
        if not self._spilled:
            self._file.truncate(0)
            self._read_at = self._write_at = 0
        return batch

    def _exactly(self, size: int) -> bytes:
        assert self._file is not None
        parts = []
        while size:
            part = self._file.read(size)
            if not part:
                raise OSError("the spool is shorter than what was written to it")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
