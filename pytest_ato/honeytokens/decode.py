"""The way back: all parts of some data that can be decoded, each with its content.

Hostile input: nothing here raises, each decoder's work is linear in its input, and a `Budget`
bounds what one search may produce. Regions may overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from pytest_ato.honeytokens.alphabets import alphabets
from pytest_ato.honeytokens.decompress import MAX_UNPACKED, unpack
from pytest_ato.honeytokens.encodings import DNS, REVERSED, UTF16
from pytest_ato.honeytokens.escapes import escapes
from pytest_ato.honeytokens.needles import NEEDLE
from pytest_ato.honeytokens.region import Budget, Region

MAX_REVERSED: Final = 64 << 10
"""Bytes up to which decoded data is read backwards, too; undecoded data always is."""


def regions(data: bytes, budget: Budget, *, outermost: bool = True) -> Iterator[Region]:
    """Decode what can be decoded in `data`, in an order in which the likely comes first."""
    decoded = chain(alphabets(data, budget), escapes(data, budget), _utf16(data), _dns_wire(data))
    for region in decoded:
        if budget.take(len(region.content)):
            yield region
    for name, start, stop, content in unpack(data, budget.left):
        budget.exceeded |= len(content) >= MAX_UNPACKED
        if budget.take(len(content)):
            yield Region(name, start, stop, content)
    if (outermost or len(data) <= MAX_REVERSED) and budget.take(len(data)):
        size = len(data)
        yield Region(REVERSED, 0, size, data[::-1], lambda a, b: (size - b, size - a))


_WIDE: Final = bytes(
    0x30 if byte == 0 else 0x78 if byte in b"\t\n\r" or 0x20 <= byte < 0x7F else 0x20
    for byte in range(256)
)
_WIDE_RUN: Final = re.compile(rb"(?:x0)+")


def _utf16(data: bytes) -> Iterator[Region]:
    """ASCII as UTF-16 of either byte order: the letters lie between NULs."""
    if b"\x00" not in data:
        return
    mask = data.translate(_WIDE)
    wanted = b"x0" * (NEEDLE - 1)
    start = mask.find(wanted)
    while start >= 0:
        match = _WIDE_RUN.match(mask, start)
        # The last letter of big-endian text has no NUL after it.
        stop = min((match.end() if match else start) + 1, len(data))
        yield Region(UTF16, start, stop, data[start:stop:2])
        start = mask.find(wanted, stop)


def _dns_wire(data: bytes) -> Iterator[Region]:
    """The question of a DNS message (RFC 1035), bare or behind TCP's length."""
    for start in (12, 14):
        at, labels = start, []
        while at < len(data) and 0 < data[at] < 64:
            labels.append(data[at + 1 : at + 1 + data[at]])
            at += 1 + data[at]
        if len(labels) > 1 and at < len(data) and data[at] == 0:
            for joined in cases(b"".join(labels)):
                yield Region(DNS, start, at + 1, joined)


def cases(name: bytes) -> tuple[bytes, ...]:
    """Return a DNS name as it is and, in mixed case, in capitals: resolvers may change the case."""
    return (name,) if name in (name.lower(), name.upper()) else (name, name.upper())
