"""A request's body, decoded as its headers say: content codings, then multipart.

Owns the way from coded bytes to the pieces that a search should see, with the names of what was
undone on the way. Bounded by `codings` and `multipart`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_ato.protocols.codings import Decoder, decoder
from pytest_ato.protocols.messages import Request
from pytest_ato.protocols.multipart import Multipart, boundary

MAX_CODINGS: Final = 3
"""Codings on top of each other that are undone; more of them is an attack on the reader."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The next bytes of one part of a body; `undone` names what was around it, outermost first."""

    part: int
    undone: tuple[str, ...]
    data: bytes


class BodyReader:
    """Reads the body of one request."""

    def __init__(self, request: Request) -> None:
        codings = request.header(b"content-encoding").decode("latin-1").split(",")
        # Codings are listed in the order in which they were applied.
        made = [decoder(coding) for coding in reversed(codings[-MAX_CODINGS:])]
        self._decoders = [one for one in made if one is not None]
        mark = boundary(request.header(b"content-type"))
        self._multipart = Multipart(mark) if mark else None

    @property
    def cut_short(self) -> bool:
        """Whether a bound left something of the body unseen."""
        return any(one.cut_short for one in self._decoders)

    def feed(self, data: bytes) -> list[Decoded]:
        """Take the next bytes of the body."""
        for one in self._decoders:
            data = one.feed(data)
        if not data:
            return []
        undone = self._undone
        if self._multipart is None:
            return [Decoded(0, undone, data)]
        inner = (*undone, "multipart")
        return [Decoded(piece.part, inner, piece.data) for piece in self._multipart.feed(data)]

    def close(self) -> list[Decoded]:
        """The body ended."""
        if self._multipart is None:
            return []
        inner = (*self._undone, "multipart")
        return [Decoded(piece.part, inner, piece.data) for piece in self._multipart.close()]

    @property
    def _undone(self) -> tuple[str, ...]:
        return tuple(one.name for one in self._decoders if _is_at_work(one))


def _is_at_work(one: Decoder) -> bool:
    return not one.damaged
