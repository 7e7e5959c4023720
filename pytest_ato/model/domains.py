"""Domain names: their one spelling, the part that somebody registers, and sets of patterns.

Owns the use of the public suffix list (publicsuffix.org, as the package publicsuffixlist ships it;
loaded at first use). Resolves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

WILDCARD = "*."


def normal(name: str) -> str:
    """`name` in lower case, without the trailing dot, and in ASCII (IDNA) where that can be."""
    plain = name.rstrip(".").lower()
    if plain.isascii():
        return plain
    try:
        return plain.encode("idna").decode()
    except UnicodeError:
        return plain


@lru_cache(maxsize=4096)
def registrable(name: str) -> str:
    """The part of a normal `name` that somebody registers, such as ``example.co.uk``; the name
    itself where it is a public suffix or a single label."""
    return _suffixes().privatesuffix(name) or name


@lru_cache(maxsize=4096)
def is_public_suffix(name: str) -> bool:
    """Whether anybody can register a name right below the normal `name` (``com``, ``co.uk``)."""
    return "." not in name or bool(_suffixes().is_public(name))


class Domains:
    """A set of patterns: ``example.com`` is that name, ``*.example.com`` every name below it."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._names: dict[str, str] = {}
        self._below: dict[str, str] = {}
        for pattern in patterns:
            if pattern.startswith(WILDCARD):
                self._below[normal(pattern[len(WILDCARD) :])] = pattern
            else:
                self._names[normal(pattern)] = pattern

    def match(self, name: str) -> str | None:
        """The pattern that covers `name`, or None; takes as many steps as the name has labels."""
        plain = normal(name)
        if plain in self._names:
            return self._names[plain]
        at = plain.find(".")
        while at >= 0:
            known = self._below.get(plain[at + 1 :])
            if known is not None:
                return known
            at = plain.find(".", at + 1)
        return None


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
