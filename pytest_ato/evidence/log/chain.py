"""The chain of a log, line by line: does each fit to those before?

Owns what makes a log whole: sequence, hash chain, Merkle roots, order of heads, and which damage a
signed repair explains. Knows no file and checks no signature; who reads for a verdict passes a
check of heads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, TypeAlias

import msgspec

from pytest_ato.evidence import merkle
from pytest_ato.evidence.log import entries
from pytest_ato.evidence.log.entries import Entry, Head, Record, Start
from pytest_ato.model.malformed import MALFORMED

REPAIR: Final = "repair"
"""`type` of the payload that tells of lines that a crash left torn."""


class Broken(Exception):
    """A line that does not fit; the message names it and says why."""


class Torn(msgspec.Struct, frozen=True):
    """A line that a crash cut off, as the repair record names it."""

    line: int
    bytes: int
    sha256: str


class Repair(msgspec.Struct, frozen=True, tag_field="type", tag=REPAIR):
    """Payload of the record that explains torn lines."""

    lines: tuple[Torn, ...]


HeadCheck: TypeAlias = Callable[[Head, bytes], str | None]
"""Takes a head and its line; returns what is wrong with its signature, or None."""


@dataclass
class Chain:
    """State after some lines: what the next one has to fit to."""

    check_head: HeadCheck | None = None
    lines: int = 0
    start: int = 0
    """Sequence number of the first record."""
    tree: merkle.Tree = field(default_factory=merkle.Tree)
    record: str = entries.NOTHING
    """Digest of the last record."""
    head: str = entries.NOTHING
    """Digest of the last head."""
    covered: int = 0
    """Records that the last head covers."""
    torn: tuple[Torn, ...] = ()
    """Lines at the end that are none."""

    def copy(self) -> Chain:
        """Return a state that goes on by itself."""
        return Chain(
            self.check_head,
            self.lines,
            self.start,
            self.tree.copy(),
            self.record,
            self.head,
            self.covered,
            self.torn,
        )

    def feed(self, line: bytes) -> Entry | None:
        """Take the next line, without its newline; None for one that is torn.

        Raises `Broken`.
        """
        self.lines += 1
        try:
            entry = entries.decode(line)
        except msgspec.ValidationError as error:
            raise self._broken(f"is no line of an evidence log ({error})") from None
        except msgspec.DecodeError:
            self.torn += (Torn(self.lines, len(line), sha256(line).hexdigest()),)
            return None
        if isinstance(entry, Record):
            self._record(entry, line)
        elif isinstance(entry, Head):
            self._head(entry, line)
        else:
            self._start(entry)
        return entry

    def finish(self) -> None:
        """Say that no line follows; raises `Broken` unless a head covers all of them."""
        if self.torn:
            raise Broken(f"line {self.torn[0].line} is torn, and no signed repair tells of it")
        if self.covered != self.tree.size:
            raise Broken(
                f"records {self.covered} to {self.tree.size - 1} at the end are not covered by a "
                "signed head: the log was cut, or its last write was"
            )

    def _record(self, record: Record, line: bytes) -> None:
        if record.seq != self.tree.size:
            raise self._broken(
                f"is record {record.seq} where {self.tree.size} must stand: lines were removed, "
                "added, repeated or moved"
            )
        if record.prev != self.record:
            raise self._broken(f"is record {record.seq}, but follows another than that before it")
        if entries.record_digest(line) != record.digest:
            raise self._broken(f"is record {record.seq}, and was changed: its digest is another")
        if self.torn:
            self._repaired(record)
        self.record = record.digest
        self.tree.append(merkle.leaf(line))

    def _repaired(self, record: Record) -> None:
        try:
            told = msgspec.json.decode(record.payload, type=Repair).lines
        except MALFORMED:
            told = ()
        if told != self.torn:
            raise Broken(f"line {self.torn[0].line} was changed: it is no line of a log any more")
        self.torn = ()

    def _head(self, head: Head, line: bytes) -> None:
        if self.torn:
            raise Broken(f"line {self.torn[0].line} was changed: it is no line of a log any more")
        if head.size != self.tree.size:
            raise self._broken(
                f"is a head over {head.size} records, and {self.tree.size} are before it"
            )
        if head.size == self.covered:
            raise self._broken("is a head that covers nothing new: it was repeated or added")
        if head.prev != self.head:
            raise self._broken("is a head that follows another than that before it")
        if bytes.fromhex(head.root) != self.tree.root:
            raise self._broken(
                "is a head whose Merkle root is not that of the records before it: one of them, "
                "or the head, was changed"
            )
        if self.check_head is not None and (wrong := self.check_head(head, line)):
            raise self._broken(f"is a head {wrong}")
        self.head = sha256(line).hexdigest()
        self.covered = head.size

    def _start(self, start: Start) -> None:
        if self.lines != 1:
            raise self._broken("is the start of a log, in the middle of one")
        try:
            self.tree = merkle.Tree(start.size, [bytes.fromhex(each) for each in start.tree])
        except ValueError as error:
            raise self._broken(f"cannot be continued: {error}") from None
        self.start = self.covered = start.size
        self.record, self.head = start.record, start.head

    def _broken(self, why: str) -> Broken:
        return Broken(f"line {self.lines} {why}")

    def as_start(self) -> Start:
        """Return the line with which a log continues from here."""
        return Start(
            head=self.head,
            record=self.record,
            size=self.tree.size,
            tree=tuple(each.hex() for each in self.tree.frontier),
        )
