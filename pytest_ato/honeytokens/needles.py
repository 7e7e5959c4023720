"""What to search for: the minted parts of each marker, cut into needles, in every form.

A needle is at least 16 characters of one line, and holds nothing that other credentials of its
kind share: no issuer's prefix, no JWT header. (The SSH marker leaves out the key's shared and
public lines already.) Searches nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pytest_ato.honeytokens.encodings import Form, forms
from pytest_ato.model.events import Honeytoken

NEEDLE: Final = 16
"""Characters of a needle: 16 random digits are one in 10^16, 16 of base62 one in 10^28."""

_SHARED: Final = re.compile(
    r"eyJ[\w-]+\.[\w-]+\."  # header and claims of a JWT
    r"|AKIA|gh[a-z]_|npm_|sk_live_51|xoxb-"  # issuers' prefixes
    r"|[A-Z]{2}\d\d(?=\d{16})"  # country and check digits of an IBAN
)


@dataclass(frozen=True, slots=True)
class Needle:
    """One pattern of the automaton: `form.text[start:stop]`."""

    marker: str
    token: Honeytoken
    form: Form
    low: int
    """Where the marker's line begins in `form.text`, and..."""
    high: int
    """... ends."""
    start: int
    stop: int

    @property
    def pattern(self) -> bytes:
        """The bytes to search for."""
        return self.form.text[self.start : self.stop]


def needles(tokens: Iterable[Honeytoken]) -> dict[bytes, Needle]:
    """Return all needles by pattern; where two forms give one pattern, the first form counts.

    Raises ValueError for a marker that has no minted part long enough to be told from chance.
    """
    found: dict[bytes, Needle] = {}
    for token in tokens:
        for marker, value in token.markers.items():
            before = len(found)
            for needle in _needles(marker, token, value):
                found.setdefault(needle.pattern, needle)
            if len(found) == before:
                raise ValueError(
                    f"the value of marker {marker!r} has no line with {NEEDLE} minted characters"
                )
    return found


def _needles(marker: str, token: Honeytoken, value: str) -> Iterator[Needle]:
    for line in value.split("\n"):
        data = line.encode()
        cuts = list(slices(line))
        if not cuts:
            continue
        for form in forms(data):
            low, high = form.span(0, len(data))
            for start, stop in cuts:
                yield Needle(marker, token, form, low, high, *form.span(start, stop))


def slices(line: str) -> Iterator[tuple[int, int]]:
    """Cut the minted part of a line into slices of 16 bytes; the last ends where the line ends.

    So any 31 bytes of it in a row, as one DNS label in hex can carry, hold a whole slice.
    """
    shared = _SHARED.match(line)
    start, stop = shared.end() if shared else 0, len(line.encode())
    for at in range(start, stop - NEEDLE + 1, NEEDLE):
        yield at, at + NEEDLE
    if stop - start > NEEDLE and (stop - start) % NEEDLE:
        yield stop - NEEDLE, stop
