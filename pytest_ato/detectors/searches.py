"""Streams under search for minted values: many at a time, each in pieces.

Owns their bounds, and that equal contents are decoded once. What a hit means is for who asked.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from pytest_ato.detectors.tokens import Tokens
from pytest_ato.honeytokens.match import Hit, Stream

MAX_EMPTY: Final = 4096
"""Contents of streams that are known to hold nothing encoded."""


@dataclass(slots=True)
class _Open:
    stream: Stream
    size: int = 0
    digest: blake2b = field(default_factory=lambda: blake2b(digest_size=16))


@dataclass(frozen=True, slots=True)
class Searched:
    """A stream that was searched to its end, or to a bound."""

    hits: list[Hit]
    """What decoding the last of it showed."""
    size: int
    """Bytes of all pieces."""
    cut_short: bool
    """A bound on decoding left something unsearched."""


class Searches:
    """The open streams, by a key of the caller's."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._open: dict[Hashable, _Open] = {}
        self._empty: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._open

    @property
    def oldest(self) -> Hashable:
        """Key of the stream that was begun first."""
        return next(iter(self._open))

    @property
    def keys(self) -> tuple[Hashable, ...]:
        """Of all open streams."""
        return tuple(self._open)

    def feed(self, key: Hashable, data: bytes) -> list[Hit]:
        """Take the next piece; return what it shows at once."""
        known = self._open.get(key)
        if known is None:
            known = self._open[key] = _Open(self._tokens.matcher.stream())
        known.size += len(data)
        known.digest.update(data)
        return known.stream.feed(data)

    def close(self, key: Hashable) -> Searched:
        """End one stream: decode what is left of it."""
        known = self._open.pop(key)
        digest = known.digest.digest()
        if digest in self._empty:  # the same request again and again: decoded once
            return Searched([], known.size, False)
        hits = known.stream.close()
        cut_short = known.stream.cut_short
        if not hits and not cut_short and len(self._empty) < MAX_EMPTY:
            self._empty.add(digest)
        return Searched(hits, known.size, cut_short)
