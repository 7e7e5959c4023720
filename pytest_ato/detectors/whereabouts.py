"""Where the target's destinations are: addresses that it used, and what registries say of them.

Owns the join of the two. Judges nothing. Names that a sinkhole answered lead nowhere that is
known: they are kept apart, so that nobody takes them for places that were looked at.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pytest_ato.detectors.names import SINKHOLE, Names
from pytest_ato.detectors.processes import ProcessState, ProcessTable
from pytest_ato.model.addresses import is_public
from pytest_ato.model.events import Connect, Enrichment, Send
from pytest_ato.model.findings import Evidence
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event

MAX_PLACES: Final = 8192
"""Different addresses that are kept; later ones are counted together, and are unknown."""
_SHOWN: Final = 5
NOT_ASKED: Final = "nobody was asked"


@dataclass(slots=True)
class Place:
    """One public address that the target used."""

    address: str
    ts: int
    actor: ProcessState | None
    uses: int = 0
    known: Enrichment | None = None

    @property
    def reason(self) -> str:
        """Why nothing, or not all, is known of it."""
        return (show(self.known.reason, 200) if self.known else "") or NOT_ASKED


class Whereabouts:
    """All places of one audit, kept up to date by `update`."""

    def __init__(self, names: Names, processes: ProcessTable) -> None:
        self._names = names
        self._processes = processes
        self._places: dict[str, Place] = {}
        self.hidden: dict[str, Place] = {}
        """Names at whose address in the sinkhole the target called, by name."""
        self.more = 0
        """Uses of addresses beyond `MAX_PLACES`."""

    def split(
        self, fact: Callable[[Enrichment], str | int]
    ) -> tuple[list[tuple[Place, Enrichment]], list[Place]]:
        """Places of which registries say the `fact`, with what they say, and all others; each in
        the order of first use."""
        known, unknown = [], []
        for place in self._places.values():
            if place.known is not None and fact(place.known):
                known.append((place, place.known))
            else:
                unknown.append(place)
        return known, unknown

    def update(self, event: Event) -> None:
        """Take a `Connect`, `Send` or `Enrichment` record."""
        if isinstance(event, Enrichment):
            if (place := self._places.get(event.address)) is not None:
                place.known = event
        elif isinstance(event, (Connect, Send)) and event.family in ("inet", "inet6"):
            self._use(event)

    def unknown(self, places: list[Place]) -> tuple[Evidence, ...]:
        """A sentence for each of the first of `places`, with the reason."""
        named = [(self._names.describe(place.address), place) for place in places[:_SHOWN]]
        return tuple(
            Evidence(ts=place.ts, text=f"{name}: {place.reason}", pid=_pid(place))
            for name, place in named
        )

    def hidden_evidence(self) -> tuple[Evidence, ...]:
        """A sentence for each of the first names that a sinkhole answered."""
        first = list(self.hidden.items())[:_SHOWN]
        return tuple(
            Evidence(ts=place.ts, text=f"{name}: a sinkhole answered", pid=_pid(place))
            for name, place in first
        )

    def _use(self, event: Connect | Send) -> None:
        address = event.address
        if is_public(address):
            known, key = self._places, address
        elif _is_sinkhole(address) and (names := self._names.names(address)):
            known, key = self.hidden, names[0]
        else:
            return
        place = known.get(key)
        if place is None:
            if len(known) >= MAX_PLACES:
                self.more += 1
                return
            actor = self._processes.actor(event.pid)
            place = known[key] = Place(address, event.ts, actor)
        place.uses += 1


def _is_sinkhole(address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in SINKHOLE
    except ValueError:
        return False


def _pid(place: Place) -> int:
    return place.actor.pid if place.actor else 0
