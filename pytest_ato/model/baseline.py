"""The shape of a baseline file: what programs did when somebody looked and accepted it."""

from __future__ import annotations

import msgspec

FORMAT = 1
"""Version of the file; a reader refuses a newer one."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one target did: normalised, sorted, by kind of fact."""

    sha256: str = ""
    """Of the program that did it."""
    facts: dict[str, tuple[str, ...]]


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file, with one entry for each target by its name."""

    format: int = FORMAT
    targets: dict[str, Recorded]
