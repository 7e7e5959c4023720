"""geo_policy: the target went to a country that the policy does not allow.

Owns the comparison. A country that is not known is told as unknown and is no pass; so is every
name that a sinkhole answered, since where it leads was never asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.whereabouts import Place
from pytest_ato.model.events import Enrichment
from pytest_ato.model.findings import Category, Evidence, Finding, Severity


class GeoPolicy(Detector):
    """One finding for each country, and one for all that is unknown."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-POL-015",
        name="geo_policy",
        category=Category.POLICY,
        severity=Severity.MEDIUM,
        title="A connection to a country that the policy does not allow",
        technique="T1090",
        needs=frozenset({"sinkhole", "open"}),
        input="countries",
        fires="an address that was connected to, or sent to, is in a country that the policy's "
        "`geo` does not allow, by the registry or the table that is named; low: the country is "
        "unknown, or a sinkhole answered for the name",
        silent="an allowed country; private addresses",
    )

    def finish(self) -> Iterator[Finding]:
        """Compare each place once all answers are in."""
        geo = self.context.terms.policy.geo
        if geo is None:
            return
        known, unknown = self.context.whereabouts.split(lambda told: told.country)
        places: dict[str, list[tuple[Place, Enrichment]]] = {}
        for place, told in known:
            places.setdefault(told.country, []).append((place, told))
        for country, there in places.items():
            if country in geo.deny or (geo.allow is not None and country not in geo.allow):
                yield self._outside(country, there)
        if unknown:
            yield self.finding(
                key="unknown",
                severity=Severity.LOW,
                title=f"destinations whose country is unknown: {len(unknown)}",
                evidence=self.context.whereabouts.unknown(unknown),
                count=len(unknown),
            )
        if hidden := self.context.whereabouts.hidden:
            yield self.finding(
                key="names",
                severity=Severity.LOW,
                title=f"names whose country a sinkhole hides: {len(hidden)}",
                evidence=self.context.whereabouts.hidden_evidence(),
                count=len(hidden),
            )

    def _outside(self, country: str, places: list[tuple[Place, Enrichment]]) -> Finding:
        first, _ = places[0]
        evidence = tuple(
            Evidence(
                ts=place.ts,
                text=f"{place.address} is in {country} by {told.basis}",
                pid=place.actor.pid if place.actor else 0,
            )
            for place, told in places[:5]
        )
        return self.finding(
            key=country,
            title=f"{first.address} is in {country}, which the policy does not allow",
            evidence=evidence,
            where=first.address,
            process=first.actor,
            count=sum(place.uses for place, _ in places),
        )
