"""The search for minted values in what left the target, in clear or in up to three layers.

`Matcher` is made once an audit. One automaton finds each value raw and in the simple encodings;
what can be decoded is decoded and searched again. Every bound is a constant here, in `region`,
`runs`, `escapes`, `decode` and `decompress`. Owns no judgement: a hit says what was where, and
detectors say what that means.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, NamedTuple, TypeAlias

from ahocorasick_rs import BytesAhoCorasick

from pytest_ato.honeytokens.alphabets import join_labels
from pytest_ato.honeytokens.decode import cases, regions
from pytest_ato.honeytokens.encodings import DNS, RAW, REVERSED
from pytest_ato.honeytokens.needles import Needle, needles
from pytest_ato.honeytokens.region import Budget, Region
from pytest_ato.model.events import Honeytoken

MAX_LAYERS: Final = 3
"""Layers that are decoded; the automaton's own encodings may lie below the last."""
_Token: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...]]
PIECE: Final = 6
"""Characters from which on the beginning of something cut off is taken for a piece of a value."""
STREAM_WINDOW: Final = 1 << 20
"""Bytes of a stream that are decoded together."""
STREAM_OVERLAP: Final = 64 << 10
"""Bytes that two windows have in common."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One marker, found in one way; `offset` is where, in bytes of the searched data."""

    marker: str
    carrier: str
    family: str
    encodings: tuple[str, ...]
    """Outermost first, ``("gzip", "base64")``; ``("raw",)`` when there is none."""
    offset: int

    @property
    def layers(self) -> tuple[str, ...]:
        """The encodings; empty when there is none."""
        return () if self.encodings == (RAW,) else self.encodings


class Span(NamedTuple):
    """Bytes `start` to `end` belong to a marker."""

    start: int
    end: int
    marker: str


class Matcher:
    """Finds the markers of some honeytokens.

    Raises ValueError for a marker whose value is too short to be told from chance.
    """

    def __init__(self, tokens: Iterable[Honeytoken]) -> None:
        by_pattern = needles(tokens)
        self._needles = tuple(by_pattern.values())
        self._automaton = BytesAhoCorasick(list(by_pattern))
        self.longest = max(map(len, by_pattern), default=1)
        """Length of the longest needle."""

    @classmethod
    def of(cls, tokens: Iterable[Honeytoken]) -> Matcher:
        """Return the matcher of these honeytokens, made once for all who search for them."""
        return _matcher(tuple((one.name, one.family, tuple(one.markers.items())) for one in tokens))

    def scan(self, data: bytes) -> list[Hit]:
        """Return each marker in `data` once per simple encoding, else where it lies least deep."""
        stream = self.stream()
        return sorted((*stream.feed(data), *stream.close()), key=lambda hit: hit.offset)

    def scan_name(self, qname: bytes) -> list[Hit]:
        """Search a DNS name in text form: its labels joined, whatever their case and padding."""
        search, seen = _Search(self, Budget()), _Seen()
        return [
            hit
            for name in cases(join_labels(qname))
            for hit in seen.new(search.run(name, (DNS,)), base=1)
        ]

    def stream(self) -> Stream:
        """Begin to search data that comes in pieces, such as one direction of a connection."""
        return Stream(self)

    def spans(self, data: bytes) -> list[Span]:
        """Return what to mask: sorted, without overlap, each value whole where it is raw.

        An encoded value is covered as far as its encoding lets it be told from its neighbours;
        something decoded that holds one (an archive, a wrapped base64 block) as a whole.
        """
        found = [
            Span(place.start, place.stop, place.needle.marker)
            for place in _Search(self, Budget()).run(data, (), whole=True)
        ]
        return _merged(sorted(found))

    def places(self, data: bytes, whole: bool = False) -> Iterator[Place]:
        """Run the automaton over `data`; `whole`: grow each place to all of the marker's line."""
        covered: dict[str, int] = {}
        for index, start, stop in self._automaton.find_matches_as_indexes(data, overlapping=True):
            needle = self._needles[index]
            if whole:
                if stop <= covered.get(needle.marker, 0):
                    continue
                start, stop = _grow(data, start, stop, needle)
                covered[needle.marker] = stop
            yield Place(needle, (), start, stop)

    def piece(self, data: bytes, stop: int) -> Place | None:
        """Return what is left of a value in front of a cut at `stop`: a piece of it, too short to
        hold a needle."""
        if data[max(0, stop - PIECE) : stop] not in self._short:
            return None
        found = None
        for start in range(stop - PIECE, -1, -1):
            text = next((text for text in self._minted if data[start:stop] in text), None)
            if text is None:
                break
            found = Place(self._minted[text], (), start, stop)
        return found

    @cached_property
    def _short(self) -> frozenset[bytes]:
        """Everything in `_minted` that is as long as the shortest piece."""
        return frozenset(
            text[at : at + PIECE] for text in self._minted for at in range(len(text) - PIECE + 1)
        )

    @cached_property
    def _minted(self) -> dict[bytes, Needle]:
        """The part of each line, in each form, that the needles are cut from, and one of them."""
        ends: dict[int, tuple[int, int, Needle]] = {}
        for needle in self._needles:
            start, stop, _ = ends.get(id(needle.form), (needle.start, needle.stop, needle))
            ends[id(needle.form)] = min(start, needle.start), max(stop, needle.stop), needle
        return {needle.form.text[start:stop]: needle for start, stop, needle in ends.values()}


@lru_cache(maxsize=4)
def _matcher(tokens: tuple[_Token, ...]) -> Matcher:
    """Building takes some 30 ms; `tokens` are names, families and markers."""
    return Matcher(
        Honeytoken(ts=0, name=name, family=family, markers=dict(markers))
        for name, family, markers in tokens
    )


class Stream:
    """The search of one stream; `feed` it in order, then `close` it.

    A value that is split over pieces in any way is found: simple encodings at once, the rest when
    a window is full or the stream ends. Something compressed that is longer than a window is
    searched as far as its first window goes.
    """

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._window = bytearray()
        self._start = 0
        """Offset of the window's first byte."""
        self._seen = _Seen()
        self.cut_short = False
        """A bound of ours ended decoding somewhere: an absence of encoded values is no proof."""

    def feed(self, chunk: bytes) -> list[Hit]:
        """Take the next piece; return what was found and not reported before."""
        hits: list[Hit] = []
        for at in range(0, len(chunk), STREAM_WINDOW):
            hits += self._feed(chunk[at : at + STREAM_WINDOW])
        return hits

    def close(self) -> list[Hit]:
        """Search what is left; return what was found and not reported before."""
        hits = self._decode()
        self._window.clear()
        return hits

    def _feed(self, chunk: bytes) -> list[Hit]:
        tail = bytes(self._window[max(0, len(self._window) - self._matcher.longest + 1) :])
        offset = self._start + len(self._window) - len(tail)
        hits = self._seen.new(self._matcher.places(tail + chunk), offset)
        self._window += chunk
        if len(self._window) >= STREAM_WINDOW + STREAM_OVERLAP:
            hits += self._decode()
            kept = len(self._window) - STREAM_OVERLAP
            del self._window[:kept]
            self._start += kept
        return hits

    def _decode(self) -> list[Hit]:
        budget = Budget()
        found = _Search(self._matcher, budget).run(bytes(self._window), (), decoded_only=True)
        hits = self._seen.new(found, self._start)
        self.cut_short |= budget.exceeded
        return hits


@dataclass(frozen=True, slots=True)
class Place:
    """A needle at bytes `start` to `stop`, under the decoded layers of `path`."""

    needle: Needle
    path: tuple[str, ...]
    start: int
    stop: int

    @property
    def encodings(self) -> tuple[str, ...]:
        """All layers, outermost first."""
        last = self.needle.form.encoding
        return self.path if self.path and last == RAW else (*self.path, last)


@dataclass(frozen=True, slots=True)
class _Layer:
    """Data that came out of zero or more decoders, and the way back."""

    data: bytes
    path: tuple[str, ...]
    region: Region | None = None
    outer: _Layer | None = None

    def locate(self, start: int, stop: int) -> tuple[int, int]:
        """Map a span of `data` to the outermost data."""
        layer = self
        while layer.outer is not None and layer.region is not None:
            start, stop = layer.region.locate(start, stop)
            layer = layer.outer
        return start, stop


class _Search:
    """Decodes layer by layer, the shallow first, so that a bound cuts off the deep."""

    def __init__(self, matcher: Matcher, budget: Budget) -> None:
        self._matcher = matcher
        self._budget = budget

    def run(
        self, data: bytes, path: tuple[str, ...], *, whole: bool = False, decoded_only: bool = False
    ) -> Iterator[Place]:
        """Yield every place in `data` and below; offsets are those of `data`."""
        deepest = len(path) + MAX_LAYERS
        layers = deque([_Layer(data, path)])
        while layers:
            layer = layers.popleft()
            if layer.region is not None or not decoded_only:
                for place in self._matcher.places(layer.data, whole):
                    start, stop = layer.locate(place.start, place.stop)
                    yield Place(place.needle, layer.path, start, stop)
            if len(layer.path) < deepest:
                layers.extend(self._below(layer))

    def _below(self, layer: _Layer) -> Iterator[_Layer]:
        for region in regions(layer.data, self._budget, outermost=layer.outer is None):
            if region.encoding == REVERSED and layer.path[-1:] == (REVERSED,):
                continue
            yield _Layer(region.content, (*layer.path, region.encoding), region, layer)


class _Seen:
    """What was reported already, so that each way of a marker out is told once.

    A marker that was seen is not reported again from below a decoder: that is mostly the same
    place by a detour, such as a token with dots as a DNS name.
    """

    def __init__(self) -> None:
        self._markers: set[str] = set()
        self._ways: set[tuple[str, tuple[str, ...]]] = set()

    def new(self, places: Iterable[Place], offset: int = 0, base: int = 0) -> list[Hit]:
        """Return hits for what is new; `base` layers were there before the search."""
        hits = []
        for place in places:
            needle, encodings = place.needle, place.encodings
            way = (needle.marker, encodings)
            detour = len(place.path) > base and needle.marker in self._markers
            if detour or way in self._ways:
                continue
            self._markers.add(needle.marker)
            self._ways.add(way)
            token = needle.token
            start = offset + place.start
            hits.append(Hit(needle.marker, token.name, token.family, encodings, start))
        return hits


def _grow(data: bytes, start: int, stop: int, needle: Needle) -> tuple[int, int]:
    """Extend a match to both sides as long as the data goes on like the marker's line."""
    text, before, after = needle.form.text, needle.start, needle.stop
    while before > needle.low and start and data[start - 1] == text[before - 1]:
        before, start = before - 1, start - 1
    while after < needle.high and stop < len(data) and data[stop] == text[after]:
        after, stop = after + 1, stop + 1
    return start, stop


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Join spans that overlap, and those of one marker that only a line break keeps apart."""
    merged: list[Span] = []
    for span in spans:
        last = merged[-1] if merged else None
        if last and (
            span.start < last.end or (span.marker == last.marker and span.start - last.end <= 2)
        ):
            merged[-1] = Span(last.start, max(last.end, span.end), last.marker)
        else:
            merged.append(span)
    return merged
