"""Verification of a log: the chain of its lines, the roots, the signatures of its heads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pytest_ato.evidence import merkle
from pytest_ato.evidence.log import entries
from pytest_ato.evidence.log.chain import Broken, Chain
from pytest_ato.evidence.log.entries import Head, Record
from pytest_ato.evidence.log.files import segments
from pytest_ato.evidence.verification.files import open_regular
from pytest_ato.evidence.verification.trust import Keys
from pytest_ato.model.errors import VerificationError
from pytest_ato.model.malformed import MALFORMED
from pytest_ato.model.octets import show


@dataclass(frozen=True)
class Line:
    """A whole line of a log that was checked."""

    number: int
    raw: bytes
    entry: Record | Head


@dataclass(frozen=True)
class LogResult:
    """A log that is good."""

    start: int
    size: int
    heads: int
    notes: tuple[str, ...] = ()


def verify_log(path: Path, keys: Keys) -> LogResult:
    """Check a log and the segments that it continues; `keys` learns who signed.

    Raises `VerificationError`, or `UsageError` where it cannot be read.
    """
    older = [each for each in segments(path) if each != path]
    before: Chain | None = None
    first = 0
    heads = 0
    for segment in (*older, path):
        reader = LogReader(segment, keys)
        heads += sum(isinstance(line.entry, Head) for line in reader)
        chain = reader.chain
        if before is None:
            first = chain.start
        elif reader.began != before.as_start():
            raise VerificationError(
                f"{_name(segment)} does not continue the log before it, "
                f"which ends with record {before.tree.size - 1}"
            )
        before = chain
    assert before is not None
    notes = []
    if first:
        notes.append(f"it continues a log that is not here: records 0 to {first - 1}")
    if heads == 0:
        raise VerificationError(f"{_name(path)} holds no signed head")
    return LogResult(first, before.tree.size, heads, tuple(notes))


class LogReader:
    """Reads one file of a log and checks it on the way; iterate once, to the end."""

    def __init__(self, path: Path, keys: Keys) -> None:
        self._path = path
        self.chain = Chain(keys.check_head)
        self.began = self.chain.as_start()
        """Where the log stood that this one continues."""

    def __iter__(self) -> Iterator[Line]:
        """Yield records and heads; raises `VerificationError` at the first line that is bad."""
        chain = self.chain
        try:
            for raw in _lines(self._path):
                entry = chain.feed(raw)
                if isinstance(entry, Record | Head):
                    yield Line(chain.lines, raw, entry)
                elif entry is not None:
                    self.began = entry
            chain.finish()
        except Broken as error:
            raise VerificationError(f"{_name(self._path)}: {error}") from None


def payload_of(record: Record) -> dict[str, object]:
    """Return a record's payload as an object; an empty one for what is none."""
    try:
        return msgspec.json.decode(record.payload, type=dict[str, object])
    except MALFORMED:
        return {}


def leaves(path: Path, keys: Keys) -> tuple[merkle.Leaves, list[Line]]:
    """Check one file of a log and return its tree and its lines."""
    reader = LogReader(path, keys)
    lines = list(reader)
    hashes = [merkle.leaf(line.raw) for line in lines if isinstance(line.entry, Record)]
    frontier = [bytes.fromhex(each) for each in reader.began.tree]
    return merkle.Leaves(hashes, reader.began.size, frontier), lines


def _lines(path: Path) -> Iterator[bytes]:
    """Yield lines without their newlines; of a last one without newline, what there is."""
    with open_regular(path) as file:
        while line := file.readline(entries.LONGEST + 1):
            if not line.endswith(b"\n"):
                raise VerificationError(
                    f"{_name(path)}: its last line is torn, or a line is longer than any"
                )
            yield line[:-1]


def _name(path: Path) -> str:
    return show(str(path), 300)
