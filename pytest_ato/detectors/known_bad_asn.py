"""known_bad_asn: the target went to a network (autonomous system) that is on a list.

Owns the comparison. What the registry does not know is said, and is no pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.whereabouts import Place
from pytest_ato.model.events import Enrichment
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show


class KnownBadAsn(Detector):
    """One finding for each listed network, and one for all that is unknown."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-POL-014",
        name="known_bad_asn",
        category=Category.POLICY,
        severity=Severity.HIGH,
        title="A connection to a network that is on a list of known bad ones",
        technique="T1583",
        needs=frozenset({"sinkhole", "open"}),
        input="asns",
        fires="an address that was connected to, or sent to, belongs to an autonomous system that "
        "a list or the policy's `asn.deny` has, by the registry or the table that is named; low: "
        "the network of an address is unknown",
        silent="the neighbouring network; private addresses and the sinkhole's own",
    )

    def finish(self) -> Iterator[Finding]:
        """Compare each place once all answers are in."""
        known, unknown = self.context.whereabouts.split(lambda told: told.asn)
        for place, told in known:
            if listed := self._listed(told.asn):
                yield self._report(place, told, listed)
        if unknown:
            yield self.finding(
                key="unknown",
                severity=Severity.LOW,
                title=f"the network of {len(unknown)} addresses is unknown: no list was applied",
                evidence=self.context.whereabouts.unknown(unknown),
                count=len(unknown),
            )

    def _report(self, place: Place, told: Enrichment, listed: str) -> Finding:
        name = show(told.as_name, 80)
        text = f"{place.address} is in AS{told.asn} ({name}) by {told.basis}; {listed}"
        actor = place.actor
        return self.finding(
            key=f"AS{told.asn}",
            title=f"{place.address} belongs to AS{told.asn} {name}, which is listed",
            evidence=(Evidence(ts=place.ts, text=text, pid=actor.pid if actor else 0),),
            where=place.address,
            process=actor,
            count=place.uses,
        )

    def _listed(self, asn: int) -> str:
        """In words which list has it; empty if none."""
        terms = self.context.terms
        if known := terms.lists.asn(asn):
            return f"on {known.sentence}"
        return "denied by the policy" if asn in terms.denied_asns else ""
