"""DNS questions put together again: what was sent in pieces, one label after the other.

Owns the record of distinct names below each registrable domain, bounded whatever the target asks.
Scans nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pytest_ato.detectors.processes import ProcessState

MAX_PARENTS: Final = 2048
MAX_NAMES: Final = 512
"""Distinct names that are kept below one domain."""
MAX_BYTES: Final = 1 << 20
"""Bytes of all names together."""


@dataclass(slots=True)
class _Parent:
    ts: int
    process: ProcessState | None
    names: dict[tuple[bytes, ...], None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Joined:
    """All that was asked below one domain, as one text in the order of the questions."""

    parent: str
    ts: int
    process: ProcessState | None
    """Time and sender of the first question."""
    texts: tuple[bytes, ...]
    """The labels joined by dots: once all of them, once the longest label of each name (the rest
    is often a counter)."""


class Questions:
    """Names asked, by the domain that somebody registered."""

    def __init__(self) -> None:
        self._parents: dict[str, _Parent] = {}
        self._bytes = 0

    def add(self, qname: bytes, parent: str, ts: int, process: ProcessState | None) -> None:
        """Take one question for `qname` below `parent`; a repeated one (AAAA after A, or a retry)
        is the same piece of data and counts once."""
        labels = tuple(qname.rstrip(b".").split(b"."))[: -parent.count(".") - 1]
        known = self._parents.get(parent)
        if not labels or (known is None and len(self._parents) >= MAX_PARENTS):
            return
        if known is None:
            known = self._parents[parent] = _Parent(ts, process)
        size = sum(map(len, labels))
        fits = len(known.names) < MAX_NAMES and self._bytes + size <= MAX_BYTES
        if labels not in known.names and fits:
            known.names[labels] = None
            self._bytes += size

    def joined(self) -> Iterator[Joined]:
        """Yield the domains below which at least two different names were asked."""
        for name, parent in self._parents.items():
            if len(parent.names) < 2:
                continue
            everything = b".".join(label for labels in parent.names for label in labels)
            longest = b".".join(max(labels, key=len) for labels in parent.names)
            texts = (everything,) if everything == longest else (everything, longest)
            yield Joined(name, parent.ts, parent.process, texts)
