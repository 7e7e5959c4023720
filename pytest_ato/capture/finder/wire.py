"""What capture and the finder say to each other: one JSON message a packet."""

from __future__ import annotations

from typing import Final

import msgspec

LIMIT: Final = 64 << 10
"""Bytes of a packet."""
SITES: Final = 256
"""Sites that are told of one file."""


class Look(msgspec.Struct, frozen=True):
    """Order: look into the file whose descriptor comes along."""

    number: int


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A place to watch."""

    offset: int
    """In the file."""
    symbol: str
    """Of `functions.FUNCTIONS`."""
    stack: bool = False
    """Go's: arguments are on the stack."""
    leaves: bool = False
    """It is where the function returns, not where it begins."""
    returns: bool = False
    """It is the function's first instruction, from whose caller its return is to be watched."""
    shift: int = 0
    """Bytes by which the stack has grown since the function's first instruction."""
    emulated: bool = False
    """The kernel emulates the instruction."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Answer: what the file has."""

    number: int
    sites: tuple[Site, ...] = ()
    problem: str = ""
    """A sentence: why not all of it could be looked into."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The finder has given its privileges up and listens."""
