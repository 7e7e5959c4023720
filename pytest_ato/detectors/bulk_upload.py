"""bulk_upload: much more goes to one destination than comes back.

Owns the count of both directions by destination, summed over all connections to it, so that an
upload in parts is one upload. What the bytes are is not asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.model.events import Datagram, Tcp
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import raw
from pytest_ato.model.record import Event

_MAX_DESTINATIONS: Final = 8192
_MAX_OPEN: Final = 8192
"""Connections that are followed at once; of later ones only the end is counted."""


@dataclass(slots=True)
class _Destination:
    ts: int
    where: str
    process: ProcessState | None
    out: int = 0
    back: int = 0
    connections: int = 0
    open: dict[int, list[int]] = field(default_factory=dict)
    """By connection: bytes out and in that were seen and are not in the sums yet."""


class BulkUpload(Detector):
    """One finding for each destination."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-EXF-008",
        name="bulk_upload",
        category=Category.EXFIL,
        severity=Severity.MEDIUM,
        title="Much data is uploaded to one destination",
        technique="T1048",
        declarable=frozenset({"destination"}),
        fires="more than `bytes` go to one destination in all connections together, and `ratio` "
        "times as much as comes back",
        silent="a download of any size, small requests with small answers",
        wants=(Tcp, Datagram),
        needs=frozenset({"sinkhole", "open"}),
        thresholds={"bytes": 1 << 20, "ratio": 3},
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._destinations: dict[str, _Destination] = {}
        self._open = 0

    def process(self, event: Event) -> Iterable[Finding]:
        """Count the bytes."""
        match event:
            case Tcp():
                self._tcp(event)
            case Datagram():
                known = self._destination(event)
                if known:
                    known.out += event.size
                    known.connections += 1
        return ()

    def finish(self) -> Iterable[Finding]:
        """Tell the destinations to which more went than the thresholds allow."""
        for known in self._destinations.values():
            for out, back in known.open.values():  # cut off by the end of the log
                known.out, known.back = known.out + out, known.back + back
            is_much = known.out > self.threshold("bytes")
            if is_much and known.out >= self.threshold("ratio") * known.back:
                yield self._report(known)

    def _report(self, known: _Destination) -> Finding:
        process = known.process
        by = process.label if process else "the target"
        text = (
            f"{known.out:,} bytes to {known.where} and {known.back:,} back, "
            f"in {known.connections} connections or packets"
        )
        return self.finding(
            key=known.where,
            title=f"{by} uploads much data to {known.where}",
            evidence=(Evidence(ts=known.ts, text=text, pid=process.pid if process else 0),),
            where=known.where,
            process=process,
            count=max(1, known.connections),
        )

    def _tcp(self, event: Tcp) -> None:
        known = self._destination(event)
        if known is None:
            return
        counted = known.open.get(event.connection)
        if counted is None and self._open < _MAX_OPEN:
            counted = known.open[event.connection] = [0, 0]
            self._open += 1
        if event.closed:
            self._open -= known.open.pop(event.connection, None) is not None
            known.out += event.sent
            known.back += event.received
            known.connections += 1
        elif counted is not None:
            side = 0 if event.direction == "out" else 1
            counted[side] = max(counted[side], event.offset + len(raw(event.data)))

    def _destination(self, event: Tcp | Datagram) -> _Destination | None:
        where = self.context.names.describe(event.address, event.port)
        known = self._destinations.get(where)
        if known is None and len(self._destinations) < _MAX_DESTINATIONS:
            owner = self.context.sockets.owner(event.client_port, event.address, event.port)
            known = self._destinations[where] = _Destination(event.ts, where, owner)
        return known
