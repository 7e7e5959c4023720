"""The way in: audit orders, a line each, from a caller that may vanish at any moment.

Owns standard input. Its end is the dead man's switch: it means that the caller is gone, however
that happened, and capture then ends whatever runs.
"""

from __future__ import annotations

import os
import select

import msgspec

from pytest_ato.model.spec import AuditSpec

_READ = 1 << 20
_MAX_ORDER = 64 << 20


class Caller:
    """Reads orders from the descriptor `fd`."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.gone = False
        self._buffer = bytearray()
        self._decoder = msgspec.json.Decoder(AuditSpec)

    def poll(self) -> None:
        """Take what has arrived; sets `gone` at the end of input. Does not wait."""
        try:
            data = os.read(self.fd, _READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data and len(self._buffer) < _MAX_ORDER:
            self._buffer += data
        else:
            self.gone = True

    def next(self) -> AuditSpec | None:
        """Wait for the next order; None when the caller is gone.

        Raises msgspec.DecodeError for a line that is none.
        """
        while b"\n" not in self._buffer:
            if self.gone:
                return None
            select.select([self.fd], [], [])
            self.poll()
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer = bytearray(rest)
        return self._decoder.decode(line)
