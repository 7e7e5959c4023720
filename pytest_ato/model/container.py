"""What an audit container and its caller agree on: where files come in, and the first words.

Data only.
"""

from __future__ import annotations

from typing import Final

import msgspec

INBOX: Final = "/var/lib/pytest-ato"
"""Where the container keeps the files of audits, by run id; part of it, so they end with it."""


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag="ready", tag_field="kind"):
    """The first line of a container's output; never part of an event log."""

    clock: int
    """Nanoseconds of its monotonic clock, at the moment of writing."""
    version: str
    """Of the pytest-ato in the image."""
    refused: str = ""
    """What the engine does not let it do, in words; empty: nothing."""
