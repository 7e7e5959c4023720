"""What every record of the event log has."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

Measured: TypeAlias = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""A time, a count or a size of our own. A log that says more than 64 bits hold is made up, and what
is reckoned from it would fit into no float."""


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", gc=False
):
    """One observed fact; `ts` is nanoseconds of the kernel's monotonic clock."""

    ts: Measured


class TaskEvent(Event, frozen=True, kw_only=True):
    """A fact about one process: `pid` is the thread group's id on the host, `tid` the thread's."""

    pid: int
    tid: int = 0
