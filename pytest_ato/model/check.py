"""What `ato doctor` finds: one answer about this machine, with the way to a better one."""

from __future__ import annotations

from typing import Literal

import msgspec


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One question about this machine, answered."""

    topic: str
    state: Literal["ok", "missing", "optional"]
    """missing: no audit is possible without it; optional: absent, and what that costs is told."""
    found: str
    """What is there, or what is not."""
    cure: str = ""
    """The command or setting that gets it; empty when nothing is missing."""
    section: str = ""
    """Heading of the table that this is a row of; empty: of the main one."""
