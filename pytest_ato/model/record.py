"""What every record of the event log has."""

from __future__ import annotations

import msgspec


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", gc=False
):
    """One observed fact; `ts` is nanoseconds of the kernel's monotonic clock."""

    ts: int


class TaskEvent(Event, frozen=True, kw_only=True):
    """A fact about one process: `pid` is the thread group's id on the host, `tid` the thread's."""

    pid: int
    tid: int = 0
