"""Bytes that the target chose, as JSON can carry them without loss.

Owns the one encoding of hostile bytes (a string when they are valid UTF-8, else ``{"b64": ...}``)
and the one way to show them to a person. Does no I/O.
"""

from __future__ import annotations

import unicodedata
from typing import TypeAlias

import msgspec


class B64(msgspec.Struct, frozen=True):
    """Bytes that are not valid UTF-8; msgspec writes them as base64."""

    b64: bytes


Octets: TypeAlias = str | B64


def octets(data: bytes) -> Octets:
    """Wrap `data` losslessly: ``raw(octets(data)) == data`` for every input."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return B64(data)


def raw(value: Octets) -> bytes:
    """Return the bytes that `octets` wrapped."""
    return value.b64 if isinstance(value, B64) else value.encode()


# Categories that move the cursor, reorder or hide text: controls, formats (bidi, zero width),
# surrogates, private use, unassigned, separators (of lines, and spaces that are not the plain one).
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})


def show(value: Octets, limit: int = 200) -> str:
    """Return `value` as one printable line of at most `limit` characters, "…" marking the cut.

    Every character that could move a cursor, reorder text or end a line is escaped, so the result
    is inert in a terminal and in a log. It is not HTML or Markdown: a renderer escapes for those.
    """
    text = value if isinstance(value, str) else value.b64.decode("utf-8", "backslashreplace")
    shown = text[: limit + 1]
    if not (shown.isascii() and shown.isprintable()):
        shown = "".join(map(_show_char, shown))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _show_char(char: str) -> str:
    if char == " " or (char.isascii() and char.isprintable()):
        return char
    if unicodedata.category(char) in _UNSAFE:
        return char.encode("unicode_escape").decode()
    return char
