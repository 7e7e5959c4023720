"""What became of each honeytoken: who read its file, and where its value was seen.

Owns the summary for the report's table. Judges nothing: how bad a use is, is for detectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_ato.detectors.context import Context

LISTED: Final = 20
"""Readers, and destinations, of one honeytoken that are told."""


@dataclass(frozen=True, slots=True)
class Use:
    """Of one honeytoken; both lists without repetition, in the order of time."""

    read_by: tuple[str, ...] = ()
    """Lineages in short, such as ``sh → cat``."""
    seen_at: tuple[str, ...] = ()
    """Destinations, and the standard streams."""


def uses(context: Context) -> dict[str, Use]:
    """Return the uses by the honeytoken's name, of those that were used; after the last event."""
    readers: dict[str, dict[str, None]] = {}
    places: dict[str, dict[str, None]] = {}
    for read in context.reads.rated(context.sightings.carriers):
        readers.setdefault(read.token.name, {})[read.process.label] = None
    for sighting in context.sightings.all:
        places.setdefault(sighting.token, {})[sighting.destination] = None
    return {
        name: Use(tuple(readers.get(name, ()))[:LISTED], tuple(places.get(name, ()))[:LISTED])
        for name in context.tokens.carriers
        if name in readers or name in places
    }
