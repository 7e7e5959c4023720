"""What the machine tells its host, one JSON line each."""

from __future__ import annotations

import msgspec


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One program that ran in the machine, and how it ended."""

    name: str
    status: int
    seconds: float
    output: str
    """The end of what it printed."""
    verdict: str = ""
    """Of an audit; empty where there was no report."""
    probes: dict[str, str] = {}
    """Of an audit: state of each probe by name."""
    lost: int = 0
    """Of an audit: events."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one boot told."""

    release: str
    boot_seconds: float
    """From power on to the first program."""
    steps: list[Step]
