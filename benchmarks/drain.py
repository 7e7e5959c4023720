"""How fast a ring is read into Python: by capture's reader, and by BCC's from the same ring.

Started as a program, this file fills the ring and prints what each reader took, in seconds.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

from bcc_programs import RING, build
from measure import Sample, alternate
from programs import WITH_TRACEFS, Place, run
from results import Figure, Goal, Row

from pytest_ato.capture import abi, rings

RECORDS = 50_000
ROUNDS = 9
GOAL = 5.0
SIZE = 32 << 20
TEXT = """
struct event { u64 ts; u32 pid; u32 flags; u64 result; char path[224]; };
%(ring)s

TRACEPOINT_PROBE(syscalls, sys_enter_getppid)
{
    struct event *event;

    if (bpf_get_current_pid_tgid() >> 32 != %(pid)d)
        return 0;
    event = events.ringbuf_reserve(sizeof(*event));
    if (!event)
        return 0;
    __builtin_memset(event, 0, sizeof(*event));
    event->ts = bpf_ktime_get_ns();
    event->pid = %(pid)d;
    __builtin_memcpy(event->path, "/usr/share/doc/package/copyright", 33);
    events.ringbuf_submit(event, BPF_RB_NO_WAKEUP);
    return 0;
}
"""
RECORD = struct.Struct("<8xQIIQ224s")
"""Of 256 bytes with the ring's header, as capture's own for an open."""


def figure(place: Place) -> Figure:
    """Each reader makes a path and four numbers of each record, as its own way is."""
    told = json.loads(run((*WITH_TRACEFS, sys.executable, __file__), place))
    found = {name: Sample(tuple(values)) for name, values in told.items()}
    rates = {
        name: Sample(tuple(RECORDS / 1e6 / value for value in sample.values))
        for name, sample in found.items()
    }
    ratio = rates["ato"].over(rates["bcc"])
    rows = [
        Row(case="ato", value=rates["ato"], unit="million records/s", ratio=ratio, against="bcc"),
        Row(case="bcc", value=rates["bcc"], unit="million records/s"),
    ]
    goal = Goal(text=f"at least {GOAL:g} times bcc", met=ratio.median >= GOAL)
    title = f"Reading {RECORDS:,} records from a ring"
    return Figure(name="drain", title=title, rows=rows, goals=[goal])


def main() -> int:
    """Measure both readers in this process, which also makes the calls that fill the ring."""
    bpf = build(TEXT % {"ring": RING, "pid": os.getpid()})
    events: Any = bpf[b"events"]
    taken = 0

    def take(_: object, data: object, __: int) -> None:
        nonlocal taken
        event = events.event(data)
        _, pid, _, _, _ = event.ts, event.pid, event.flags, event.result, event.path
        taken += pid > 0

    def ours() -> None:
        nonlocal taken
        while data := ring.drain(1 << 20, abi.STRIDE):
            for _, pid, _, _, _ in RECORD.iter_unpack(data):
                taken += pid > 0

    def timed(read: Callable[[], object]) -> float:
        nonlocal taken
        for _ in range(RECORDS):
            os.getppid()
        taken, began = 0, time.perf_counter()
        read()
        took = time.perf_counter() - began
        assert taken == RECORDS, f"{taken} records of {RECORDS}"
        return took

    events.open_ring_buffer(take)
    ring = rings.Ring(events.get_fd(), SIZE)
    cases = {"ato": lambda: timed(ours), "bcc": lambda: timed(bpf.ring_buffer_consume)}
    print(json.dumps({name: sample.values for name, sample in alternate(cases, ROUNDS).items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
