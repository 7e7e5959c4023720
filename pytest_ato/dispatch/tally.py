"""What an evidence log says of flows, added up.

Owns the rule: rows of one flow are taken in the order of the log. A row says all since the entry in
the map was made, so it supersedes those before it, unless it tells of a later entry (`since_us`),
which adds to them. Whoever signed is told to `keys`; belief in them is the caller's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from pytest_ato.dispatch.batches import FLOWS
from pytest_ato.dispatch.rows import COLUMNS
from pytest_ato.evidence.log.entries import Record
from pytest_ato.evidence.log.files import segments
from pytest_ato.evidence.verification.log import LogReader
from pytest_ato.evidence.verification.trust import Keys
from pytest_ato.model.errors import VerificationError
from pytest_ato.model.malformed import MALFORMED

_COUNTERS: Final = ("packets_out", "packets_in", "bytes_out", "bytes_in")


@dataclass
class Flow:
    """One flow: who talked, as far as the log tells, and how much of it."""

    interface: int
    protocol: str
    source: str
    destination: str
    since_us: int = -1
    """Beginning of the entry that is added up now."""
    before: tuple[int, ...] = (0, 0, 0, 0)
    """Of entries that ended."""
    now: tuple[int, ...] = (0, 0, 0, 0)
    records: int = 0
    """Rows."""

    @property
    def packets_out(self) -> int:
        """All packets that left what is behind the interface."""
        return self.before[0] + self.now[0]

    @property
    def packets_in(self) -> int:
        """All packets that went there."""
        return self.before[1] + self.now[1]

    @property
    def bytes_out(self) -> int:
        """Bytes of the packets that left."""
        return self.before[2] + self.now[2]

    @property
    def bytes_in(self) -> int:
        """Bytes of the packets that went there."""
        return self.before[3] + self.now[3]

    def take(self, since_us: int, counted: tuple[int, ...]) -> None:
        """Take the next row."""
        if since_us > self.since_us:
            self.before = tuple(map(int.__add__, self.before, self.now))
            self.since_us = since_us
        self.now = counted
        self.records += 1


class Ends(NamedTuple):
    """Between whom, as far as a log tells."""

    protocol: str
    source: str
    destination: str


@dataclass
class Total:
    """What flows between the same networks came to."""

    flows: int = 0
    packets_out: int = 0
    packets_in: int = 0
    bytes_out: int = 0
    bytes_in: int = 0


def networks(flows: Iterable[Flow]) -> dict[Ends, Total]:
    """Add up flows between the same networks."""
    totals: defaultdict[Ends, Total] = defaultdict(Total)
    for flow in flows:
        total = totals[Ends(flow.protocol, flow.source, flow.destination)]
        total.flows += 1
        for name in _COUNTERS:
            setattr(total, name, getattr(total, name) + getattr(flow, name))
    return totals


class _Payload(msgspec.Struct, frozen=True):
    type: str = ""
    columns: tuple[str, ...] = ()
    rows: list[list[int | str]] = []


def tally(log: Path, keys: Keys) -> dict[str, Flow]:
    """Verify a log with the segments that it continues, and add up its flows, by their digest.

    Raises `VerificationError`, or `UsageError` where it cannot be read.
    """
    flows: dict[str, Flow] = {}
    for payload in _payloads(log, keys):
        if not set(COLUMNS) <= set(payload.columns):
            raise VerificationError("a record of flows lacks columns: another version made it")
        for values in payload.rows:
            row = dict(zip(payload.columns, values, strict=True))
            name = str(row["flow"])
            flow = flows.get(name)
            if flow is None:
                flow = flows[name] = Flow(
                    interface=int(row["interface"]),
                    protocol=str(row["protocol"]),
                    source=str(row["source"]),
                    destination=str(row["destination"]),
                )
            flow.take(int(row["since_us"]), tuple(int(row[each]) for each in _COUNTERS))
    return flows


def _payloads(log: Path, keys: Keys) -> Iterator[_Payload]:
    for segment in (*segments(log), log):
        for line in LogReader(segment, keys):
            if not isinstance(line.entry, Record):
                continue
            try:
                payload = msgspec.json.decode(line.entry.payload, type=_Payload)
            except MALFORMED:  # a record of another kind, whose fields are its own
                continue
            if payload.type == FLOWS:
                yield payload
