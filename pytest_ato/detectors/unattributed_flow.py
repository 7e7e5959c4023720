"""unattributed_flow: the wire saw what no socket of the audit sent.

Owns what a finding says. Where the capture lost events, saw not all calls, or had more sockets than
are kept, nothing can be said to be nobody's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from pytest_ato.detectors.attribution import WANTS, Attribution
from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.model.events import End, Flow, Start
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.record import Event

_MOST: Final = 100
"""Destinations that get a finding of their own."""


class UnattributedFlow(Detector):
    """One finding for each destination and protocol."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-EVA-022",
        name="unattributed_flow",
        category=Category.EVASION,
        severity=Severity.HIGH,
        title="the wire shows a flow that no socket of the audit ever owned",
        technique="T1095",
        wants=(*WANTS, Start, End),
        fires="packets leave the sandbox that no socket of the audit sent: by a raw or packet "
        "socket, or by somebody else in its network",
        silent="what the kernel sends by itself: resets, ICMP errors, neighbour discovery, MLD, "
        "IGMP, and packets of a connection whose process has ended",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._attribution = Attribution()
        self._end: End | None = None
        self._sees_all_calls = True

    def process(self, event: Event) -> Iterable[Finding]:
        """Note sockets and flows; all of both are known at the end."""
        match event:
            case Start():
                self._sees_all_calls = "not captured" not in event.probes.values()
            case End():
                self._end = event
            case _:
                self._attribution.update(event)
        return ()

    def finish(self) -> Iterable[Finding]:
        """Report the flows of nobody, if all sockets were seen."""
        end = self._end
        lost = end is None or any(counters.lost for counters in end.counters.values())
        if lost or not self._sees_all_calls or not self._attribution.is_whole():
            return
        found: dict[tuple[str, str], list[Flow]] = {}
        for flow in self._attribution.nobodys():
            where = self.context.names.describe(flow.address, flow.port)
            found.setdefault((where, flow.protocol), []).append(flow)
        for (where, protocol), flows in list(found.items())[:_MOST]:
            yield self._finding(where, protocol, flows)
        if len(found) > _MOST:
            title = f"packets of no socket went to {len(found):,} destinations"
            yield self.finding(key="more", title=title, evidence=(), count=len(found) - _MOST)

    def _finding(self, where: str, protocol: str, flows: list[Flow]) -> Finding:
        packets = sum(flow.packets for flow in flows)
        size = sum(flow.bytes for flow in flows)
        first = flows[0]
        source = f"{first.client} port {first.client_port}" if first.client_port else first.client
        return self.finding(
            key=f"{where}/{protocol}",
            title=f"{packets:,} packets went to {where} ({protocol}), and no socket sent them",
            evidence=(
                Evidence(
                    ts=first.ts,
                    text=f"the wire saw {packets:,} packets, {size:,} bytes, {protocol} from "
                    f"{source} to {where}; no socket of the audit had that connection or "
                    "named that destination",
                ),
            ),
            where=where,
            count=packets,
        )
