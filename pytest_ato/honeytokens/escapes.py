"""Decoders of text in which single characters are escaped: URLs and JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from pytest_ato.honeytokens.encodings import JSON, URL
from pytest_ato.honeytokens.needles import NEEDLE
from pytest_ato.honeytokens.region import Budget, Region
from pytest_ato.honeytokens.runs import longest, membership, runs

MAX_ESCAPES: Final = 1 << 16
"""JSON escapes that are replaced in one run."""

_PRINTABLE: Final = membership(bytes(range(0x21, 0x7F)))
_PERCENT: Final = re.compile(rb"%[0-9A-Fa-f]{2}")
_ESCAPE: Final = re.compile(rb'\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([nrt"/\\]))')
_CONTROL: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def escapes(data: bytes, budget: Budget) -> Iterator[Region]:
    r"""Percent encoding (RFC 3986); JSON's escapes (RFC 8259) and ``\xHH`` of other languages."""
    if b"%" not in data and b"\\" not in data:
        return
    for at, run in longest(runs(data, _PRINTABLE, NEEDLE), data, budget):
        stop = at + len(run)
        if b"%" in run and _PERCENT.search(run):
            yield Region(URL, at, stop, unquote_to_bytes(run), _Source(at, run, _PERCENT, _byte))
        if b"\\" in run and _ESCAPE.search(run):
            content = _ESCAPE.sub(_unescape, run, MAX_ESCAPES)
            yield Region(JSON, at, stop, content, _Source(at, run, _ESCAPE, _unescape))


def _byte(match: re.Match[bytes]) -> bytes:
    return bytes((int(match[0][1:], 16),))


def _unescape(match: re.Match[bytes]) -> bytes:
    code, byte, letter = match.groups()
    if code:
        return chr(int(code, 16)).encode("utf-8", "surrogatepass")
    if byte:
        return bytes((int(byte, 16),))
    return _CONTROL.get(letter, letter)


@dataclass(frozen=True, slots=True)
class _Source:
    """Maps decoded spans back by walking the escapes: only done for a hit."""

    at: int
    run: bytes
    pattern: re.Pattern[bytes]
    replace: Callable[[re.Match[bytes]], bytes]

    def __call__(self, start: int, stop: int) -> tuple[int, int]:
        shrunk = 0
        first: int | None = None
        for match in self.pattern.finditer(self.run):
            decoded = match.start() - shrunk
            if first is None and decoded >= start:
                first = start + shrunk
            if decoded >= stop:
                break
            shrunk += match.end() - match.start() - len(self.replace(match))
        return self.at + (start + shrunk if first is None else first), self.at + stop + shrunk
