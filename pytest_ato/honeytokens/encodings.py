"""How a value looks in each encoding that needs no decoder to be recognised.

Owns the forward direction: a form is one encoding of one value at one alignment, and knows which
of its characters stand for which of the value's bytes whatever comes before and after. `decode`
is the way back.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

RAW: Final = "raw"
BASE64: Final = "base64"
BASE64URL: Final = "base64url"
BASE32: Final = "base32"
HEX: Final = "hex"
URL: Final = "url"
REVERSED: Final = "reversed"
UTF16: Final = "utf16"
JSON: Final = "json"
DNS: Final = "dns"


class _Layout(Enum):
    FORWARD = "forward"
    BACKWARD = "backward"
    WIDE = "wide"
    """Every byte is followed by NUL; the last NUL is no part of it (big endian has none there)."""


@dataclass(frozen=True, slots=True)
class Form:
    """One encoding of a value: `text`, and where in it a slice of the value lies."""

    encoding: str
    text: bytes
    bits: int = 8
    """Bits of the value that one character of `text` stands for, times `stride`."""
    stride: int = 1
    """Characters that one such character is written with."""
    phase: int = 0
    """Bytes of other data that share an encoding group with the value's first byte."""
    layout: _Layout = _Layout.FORWARD

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Return where in `text` the characters lie that bytes `start` to `stop` alone decide."""
        if self.layout is _Layout.BACKWARD:
            return len(self.text) - stop, len(self.text) - start
        if self.layout is _Layout.WIDE:
            return 2 * start, 2 * stop - 1
        first = -(-8 * (start + self.phase) // self.bits)
        last = 8 * (stop + self.phase) // self.bits
        return first * self.stride, last * self.stride


def forms(value: bytes) -> Iterator[Form]:
    """Return all forms of `value`, raw first; base64 at three alignments, base32 at five."""
    yield Form(RAW, value)
    yield Form(REVERSED, value[::-1], layout=_Layout.BACKWARD)
    yield Form(UTF16, value.decode("latin-1").encode("utf-16-le"), layout=_Layout.WIDE)
    yield Form(HEX, value.hex().encode(), bits=4)
    yield Form(HEX, value.hex().upper().encode(), bits=4)
    yield Form(URL, b"".join(b"%%%02x" % byte for byte in value), stride=3)
    yield Form(URL, b"".join(b"%%%02X" % byte for byte in value), stride=3)
    for phase in range(3):
        padded = bytes(phase) + value
        yield Form(BASE64, base64.b64encode(padded), bits=6, phase=phase)
        yield Form(BASE64URL, base64.urlsafe_b64encode(padded), bits=6, phase=phase)
    for phase in range(5):
        text = base64.b32encode(bytes(phase) + value)
        yield Form(BASE32, text, bits=5, phase=phase)
        yield Form(BASE32, text.lower(), bits=5, phase=phase)
