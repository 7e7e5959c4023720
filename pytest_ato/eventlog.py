"""Reading `events.jsonl`, which anybody may have cut, changed or made up.

Owns the bounds of reading; what a record means is not its business.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from pytest_ato.model.errors import UsageError
from pytest_ato.model.events import AnyEvent, Lost, decode
from pytest_ato.model.octets import show

_LONGEST_LINE: Final = 64 << 20
"""Bytes of one record that are read; no record of capture comes near it."""

_TOLD: Final = 4096
"""Records after which who waits is told how far it is."""


def read_log(path: Path, progress: Callable[[float], None] | None = None) -> Iterator[AnyEvent]:
    """Yield the records of a log, one line in memory at a time.

    A line that is no record becomes a `Lost` record in its place, which makes the audit
    INCONCLUSIVE. `progress` is told now and then which part of the file was read, from 0 to 1.
    Raises UsageError when the file cannot be opened or read.
    """
    number = 0
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if progress and size and number % _TOLD == 0:
                    progress(min(1.0, file.tell() / size))
                yield _record(line, number)
    except OSError as error:
        raise UsageError(f"cannot read the event log {show(str(path))}: {error.strerror}") from None


def _record(line: bytes, number: int) -> AnyEvent:
    try:
        return decode(line)
    except msgspec.DecodeError as error:
        reason = show(str(error), 120)
        return Lost(ts=0, source="log", reason=f"line {number} is not a record: {reason}")
