"""How many events a second all detectors take on one core, and where their time goes.

The events are a build's: nearly all are opens of ever new paths; beside them programs start, map
their libraries, rename, unlink, ask for names and connect. Each kind is timed alone, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from measure import Sample, alternate
from programs import Place
from results import Figure, Goal, Row

from pytest_ato.detectors import registry
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model.events import (
    Audit,
    Connect,
    Dns,
    Exec,
    Exit,
    Fork,
    Map,
    Open,
    Rename,
    SocketState,
    Start,
    Unlink,
)
from pytest_ato.model.record import Event
from pytest_ato.model.spec import AuditSpec, Placed, Target

GOAL = 250_000
PROGRAMS = 1000
OPENS, MAPS = 90, 4
"""Of each program."""
CONNECTED = 20
"""One program of so many asks for a name and connects."""
ROUNDS = 9


_TARGET = Target(
    name="app",
    path="/srv/app",
    sha256="00" * 32,
    size=1,
    format="elf",
    placed=(Placed("/srv/app", "/opt/app"),),
)
_START: Sequence[Event] = (
    Audit(ts=1, spec=AuditSpec(run_id="r", target=_TARGET), started="", digest_key=b"k"),
    Start(
        ts=2,
        kernel="6.18",
        loader="core",
        attach_ms=1.0,
        probes={},
        init=1,
        uid=64000,
        home="/home/user",
        program="/opt/app",
    ),
)
"""With which detectors that have no work in such an audit step aside."""


def figure(place: Place) -> Figure:  # noqa: ARG001  (it needs no place)
    """Thousand events a second, and microseconds of processor time for one of each kind."""
    events = [event for number in range(PROGRAMS) for event in _program(number)]
    kinds: dict[str, list[Event]] = {}
    for event in events:
        kinds.setdefault(type(event).__name__.lower(), []).append(event)
    found = alternate(
        {
            "all": _timed(events),
            "none": _timed(events, detectors=False),
            **{name: _timed(some) for name, some in kinds.items()},
        },
        ROUNDS,
    )
    rate = Sample(tuple(1e3 / value for value in found["all"].values))
    rows = [
        Row(case="all detectors on one core", value=rate, unit="thousand events/s"),
        Row(case="an event", value=found["all"], unit="µs"),
        Row(case="of that, state that detectors share", value=found["none"], unit="µs"),
        *(
            Row(case=f"{name}, {len(some) / len(events):.1%} of them", value=found[name], unit="µs")
            for name, some in kinds.items()
        ),
    ]
    goal = Goal(text=f"at least {GOAL:,} events a second", met=rate.median * 1e3 >= GOAL)
    title = "What all detectors take on one core"
    return Figure(name="pipeline", title=title, rows=rows, goals=[goal])


def _timed(events: Sequence[Event], *, detectors: bool = True) -> Callable[[], float]:
    """Microseconds of processor time that one of `events` takes."""

    def once() -> float:
        pipeline = Pipeline(registry.load() if detectors else ())
        feed = pipeline.feed
        for event in _START:
            feed(event)
        began = time.process_time()
        for event in events:
            feed(event)
        return (time.process_time() - began) / len(events) * 1e6

    return once


def _program(number: int) -> Iterator[Event]:
    pid, ts = 100 + number, 10**12 + number * 10**6
    path = "/usr/bin/cc1"
    yield Fork(ts=ts, pid=7, child=pid)
    yield Exec(ts=ts, pid=pid, path=path, file=path, argv=("cc1", "-quiet", f"part{number}.c"))
    for at in range(MAPS):
        library = f"/usr/lib/x86_64-linux-gnu/lib{at}.so.1"
        yield Map(ts=ts, pid=pid, call="mmap", prot=5, flags=2, file=library, inode=at + 1)
    for at in range(OPENS):
        header = f"/usr/include/package-{number}/part-{at}.h"
        yield Open(ts=ts, pid=pid, call="openat", path=header, file=header, flags=0, result=3)
    if number % CONNECTED == 0:
        yield from _connection(ts, pid, number)
    made, final = f"/home/user/build/part{number}.tmp", f"/home/user/build/part{number}.o"
    moved = {"path": made, "file": made, "to": final, "to_file": final}
    yield Rename(ts=ts, pid=pid, call="rename", result=0, **moved)
    yield Unlink(ts=ts, pid=pid, call="unlink", path=made, file=made, result=-2)
    yield Exit(ts=ts, pid=pid)


def _connection(ts: int, pid: int, number: int) -> Iterator[Event]:
    address = f"198.18.{number >> 8}.{number & 255}"
    where = {"address": address, "port": 443, "cookie": number + 1}
    yield Dns(
        ts=ts,
        client="192.0.2.2",
        client_port=40_000,
        server="192.0.2.53",
        transport="udp",
        qname=f"host{number}.packages.example",
        qtype="A",
        rcode="NOERROR",
        answers=(address,),
    )
    yield Connect(ts=ts, pid=pid, source="kernel", family="inet", protocol="tcp", **where)
    yield Connect(ts=ts, pid=pid, source="syscall", family="inet", result=0, **where)
    ends = {"local": "192.0.2.2", "local_port": 40_000 + number}
    yield SocketState(ts=ts, pid=pid, old="SYN_SENT", new="ESTABLISHED", **ends, **where)
