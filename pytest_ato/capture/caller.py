"""The way in: audit orders, a line each, from a caller that may vanish at any moment.

Owns standard input. Its end is the dead man's switch: it means that the caller is gone, however
that happened, and capture then ends whatever runs.
"""

from __future__ import annotations

import os
import select
from collections import deque

import msgspec

from pytest_ato.model.errors import UsageError
from pytest_ato.model.spec import AuditSpec

_READ = 1 << 20
_MAX_ORDER = 96 << 20
"""Bytes of one order: its largest part is the target's standard input (64 MiB), in base64."""


class Caller:
    """Reads orders from the descriptor `fd`."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.gone = False
        self._orders: deque[bytes] = deque()
        self._begun = bytearray()
        self._decoder = msgspec.json.Decoder(AuditSpec)

    def poll(self) -> None:
        """Take what has arrived; sets `gone` at the end of input. Does not wait."""
        try:
            data = os.read(self.fd, _READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.gone = True
        begun, *more = data.split(b"\n")
        self._begun += begun
        for begun in more:
            self._orders.append(bytes(self._begun))
            self._begun = bytearray(begun)

    def next(self) -> AuditSpec | None:
        """Wait for the next order; None when the caller is gone.

        Raises msgspec.DecodeError for a line that is none, UsageError for one that is too long.
        """
        while not self._orders:
            if self.gone:
                return None
            if len(self._begun) > _MAX_ORDER:
                raise UsageError(
                    "the order for one audit is longer than 96 MiB: give the target a shorter "
                    "standard input"
                )
            select.select([self.fd], [], [])
            self.poll()
        return self._decoder.decode(self._orders.popleft())
