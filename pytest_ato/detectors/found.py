"""What was seen of minted values, put together: one sighting for one honeytoken at one destination.

Owns the bounds of that, the evidence that is kept, and which of two readings of one connection is
told: as it was sent, or as HTTP means it. Searches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from pytest_ato.detectors import traffic
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.tokens import Tokens
from pytest_ato.honeytokens.match import Hit
from pytest_ato.model.findings import Evidence

MAX_SIGHTINGS: Final = 1000
"""Pairs of honeytoken and destination that are told apart."""
MAX_EVIDENCE: Final = 5
"""Observations that a sighting keeps."""
MAX_HELD: Final = 10_000
"""Hits that wait for their connection to be closed; further ones are told at once."""
ELSEWHERE: Final = "other destinations"
_WAY: Final = " > "

Channel: TypeAlias = traffic.Channel | Literal["dns", "output"]


@dataclass(slots=True)
class Sighting:
    """One honeytoken at one destination."""

    token: str
    """Name of the carrier."""
    destination: str
    """``host:port``, a registrable domain for DNS, or ``stdout`` and ``stderr``; printable and the
    same in every run."""
    channel: Channel
    process: ProcessState | None
    """Who sent it first, as far as known."""
    count: int = 0
    markers: dict[str, None] = field(default_factory=dict)
    ways: dict[str, None] = field(default_factory=dict)
    """What was around the values, outermost first: ``tls > http body > gzip > base64``. Both are
    ordered sets."""
    evidence: list[Evidence] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Unsearched:
    """Something that left for one destination and was not searched to its end."""

    ts: int
    destination: str
    process: ProcessState | None
    why: str
    """A fragment, such as "more was sent than is recorded"."""


@dataclass(slots=True)
class Source:
    """Where data was seen, and who sent it."""

    destination: str
    channel: Channel
    process: ProcessState | None
    path: tuple[str, ...]
    """What was around the data that is searched."""
    connection: int = 0
    meant: bool = False
    """It is what HTTP says, not bytes as they were sent."""
    ts: int = 0
    """Time of the last piece."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """One hit, with what is shown of it."""

    hit: Hit
    source: Source
    ts: int
    shown: str


class Found:
    """Everything that was found in one audit: add hits, release what is held, read `all`."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._found: dict[tuple[str, Channel, str], Sighting] = {}
        self._held: dict[int, list[_Seen]] = {}
        self._waiting = 0
        """Hits in `_held`."""
        self._meant: dict[int, set[str]] = {}
        """Markers that HTTP showed, by connection."""
        self._unsearched: dict[str, Unsearched] = {}

    @property
    def all(self) -> tuple[Sighting, ...]:
        """In the order in which they were made."""
        return tuple(self._found.values())

    @property
    def unsearched(self) -> tuple[Unsearched, ...]:
        """The first for each destination, of whatever could hold a value that was not seen."""
        return tuple(self._unsearched.values())

    @property
    def places(self) -> frozenset[tuple[str, str]]:
        """Names of honeytokens, each with a destination at which it was seen."""
        return frozenset((token, destination) for token, _, destination in self._found)

    @property
    def carriers(self) -> frozenset[str]:
        """Names of the honeytokens that were seen anywhere."""
        return frozenset(token for token, _, _ in self._found)

    def release(self, connection: int) -> None:
        """Tell what was found in a connection as it was sent, and not in the HTTP that it was."""
        meant = self._meant.pop(connection, set())
        held = self._held.pop(connection, ())
        self._waiting -= len(held)
        for seen in held:
            if seen.hit.marker not in meant:
                self._tell(seen)

    def release_all(self) -> None:
        """After the last event: tell what still waits for its connection to be closed."""
        for connection in tuple(self._held):
            self.release(connection)

    def leave(self, source: Source, ts: int, why: str) -> None:
        """Note that something stays unsearched, unless it never left the sandbox."""
        known = self._unsearched
        if source.channel != "output" and len(known) < MAX_SIGHTINGS:
            found = Unsearched(ts, source.destination, source.process, why)
            known.setdefault(source.destination, found)

    def add(self, hits: Iterable[Hit], source: Source, ts: int, data: bytes = b"") -> None:
        """Take what a search showed; `data` is where, as far as it may be shown."""
        shown: str | None = None
        for hit in hits:
            if shown is None:
                shown = self._tokens.snippet(data)
            seen = _Seen(hit, source, ts, shown)
            if source.meant:
                if source.connection in self._meant or len(self._meant) < MAX_HELD:
                    self._meant.setdefault(source.connection, set()).add(hit.marker)
            elif source.connection and self._waiting < MAX_HELD:
                self._held.setdefault(source.connection, []).append(seen)
                self._waiting += 1
                continue
            self._tell(seen)

    def _tell(self, seen: _Seen) -> None:
        hit, source = seen.hit, seen.source
        sighting = self._sighting(hit.carrier, source)
        sighting.count += 1
        sighting.markers[hit.marker] = None
        layers = hit.layers[1:] if hit.layers[:1] == source.path[-1:] else hit.layers
        way = _WAY.join((*source.path, *layers))
        sighting.ways[way] = None
        if len(sighting.evidence) < MAX_EVIDENCE:
            by = f" by {source.process.label}" if source.process else ""
            text = f"sent: {hit.marker} ({way}) to {source.destination}{by}"
            text += f": {seen.shown}" if seen.shown else ""
            pid = source.process.pid if source.process else 0
            sighting.evidence.append(Evidence(ts=seen.ts, text=text, pid=pid))

    def _sighting(self, token: str, source: Source) -> Sighting:
        channel, destination = source.channel, source.destination
        if (token, channel, destination) not in self._found and len(self._found) >= MAX_SIGHTINGS:
            destination = ELSEWHERE
        known = self._found.get((token, channel, destination))
        if known is None:
            known = Sighting(token, destination, channel, source.process)
            self._found[token, channel, destination] = known
        return known
