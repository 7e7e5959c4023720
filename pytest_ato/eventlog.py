"""Reading `events.jsonl`, which anybody may have cut, changed or made up.

Owns the bounds of reading; what a record means is not its business.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from pytest_ato.model.errors import UsageError
from pytest_ato.model.events import AnyEvent, Lost, decode
from pytest_ato.model.octets import show

_LONGEST_LINE: Final = 64 << 20
"""Bytes of one record that are read; no record of capture comes near it."""


def read_log(path: Path) -> Iterator[AnyEvent]:
    """Yield the records of a log, one line in memory at a time.

    A line that is no record becomes a `Lost` record in its place, which makes the audit
    INCONCLUSIVE. Raises UsageError when the file cannot be opened or read.
    """
    number = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(_LONGEST_LINE):
                number += 1
                yield _record(line, number)
    except OSError as error:
        raise UsageError(f"cannot read the event log {show(str(path))}: {error.strerror}") from None


def _record(line: bytes, number: int) -> AnyEvent:
    try:
        return decode(line)
    except msgspec.DecodeError as error:
        reason = show(str(error), 120)
        return Lost(ts=0, source="log", reason=f"line {number} is not a record: {reason}")
