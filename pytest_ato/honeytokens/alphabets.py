"""Decoders of what is written in a small alphabet: hex, base64, base32, and names with dots.

One run of letters may be several of them at once, and may begin before the value does: each is
tried from every beginning that the encoding has.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from typing import Final

from pytest_ato.honeytokens.encodings import BASE32, BASE64, BASE64URL, DNS, HEX
from pytest_ato.honeytokens.needles import NEEDLE
from pytest_ato.honeytokens.region import Budget, Region
from pytest_ato.honeytokens.runs import DIGITS, LOWER, UPPER, WRAP, longest, membership, runs

_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_TO_INT32: Final = bytes.maketrans(
    UPPER + LOWER + b"234567", b"0123456789abcdefghijklmnop" * 2 + b"qrstuv"
)
"""base32's alphabet to the digits that `int` knows for base 32."""

_IN_ANY: Final = membership(UPPER + LOWER + DIGITS + b"+/-_." + WRAP)
_IN_BASE64: Final = membership(UPPER + LOWER + DIGITS + b"+/-_" + WRAP)
_IN_BASE32: Final = tuple(membership(case + b"234567" + WRAP) for case in (UPPER, LOWER))
_IN_HEX: Final = membership(DIGITS + b"abcdefABCDEF" + WRAP)
_IN_NAME: Final = membership(UPPER + LOWER + DIGITS + b"+/-_.")


def alphabets(data: bytes, budget: Budget) -> Iterator[Region]:
    """Hex, base64, base32 and names with dots, inside runs of what any of them may hold."""
    for at, run in longest(runs(data, _IN_ANY, NEEDLE + 1), data, budget):
        for decoder in (_hex, _base64, _base32, _dns_text):
            yield from decoder(run, at)


def _hex(run: bytes, at: int) -> Iterator[Region]:
    """Hex in either case, line-wrapped or not, from each of two beginnings."""
    for start, stop in runs(run, _IN_HEX, NEEDLE * 2):
        text = run[start:stop].translate(None, WRAP)
        for phase in range(2):
            part = text[phase : len(text) - (len(text) - phase) % 2]
            yield Region(HEX, at + start, at + stop, binascii.a2b_hex(part))


def _base64(run: bytes, at: int) -> Iterator[Region]:
    """base64 and base64url, line-wrapped or not, from each of four beginnings."""
    for start, stop in runs(run, _IN_BASE64, -(-NEEDLE * 8 // 6)):
        text = run[start:stop].translate(None, WRAP)
        name = BASE64URL if b"-" in text or b"_" in text else BASE64
        text = text.translate(_TO_STANDARD)
        for phase in range(4):
            part = text[phase:]
            odd = len(part) % 4
            part = part[:-1] if odd == 1 else part + b"=" * (-odd % 4)
            yield Region(name, at + start, at + stop, binascii.a2b_base64(part))


def _base32(run: bytes, at: int) -> Iterator[Region]:
    """base32 in one case, line-wrapped or not, from each of eight beginnings."""
    for members in _IN_BASE32:
        for start, stop in runs(run, members, -(-NEEDLE * 8 // 5)):
            text = run[start:stop].translate(_TO_INT32, WRAP)
            for phase in range(8):
                part = text[phase:]
                size = len(part) * 5 // 8
                # int() reads a power-of-two base in linear time and without a limit on digits.
                number = int(b"0" + part, 32) >> len(part) * 5 - size * 8
                yield Region(BASE32, at + start, at + stop, number.to_bytes(size))


def join_labels(name: bytes) -> bytes:
    """Return a DNS name's labels without the dots."""
    return name.replace(b".", b"")


def _dns_text(run: bytes, at: int) -> Iterator[Region]:
    """Names with dots."""
    if b"." in run:
        for start, stop in runs(run, _IN_NAME, NEEDLE + 1):
            name = run[start:stop]
            if b"." in name:
                yield Region(DNS, at + start, at + stop, join_labels(name))
