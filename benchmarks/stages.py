"""Where the time of an event goes, stage by stage, and what the detectors take on one core.

Each stage works alone, in this process, on the same events: opens of different paths, and one
process in a hundred that forks, executes and exits.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from measure import Sample, alternate
from programs import Place
from results import Figure, Row

from pytest_ato.analysis import Analysis
from pytest_ato.capture import abi
from pytest_ato.capture.decode import Decoder
from pytest_ato.capture.stream import EventStream
from pytest_ato.detectors import registry
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model.events import Exec, Exit, Fork, decode, encode
from pytest_ato.model.record import Event
from pytest_ato.reports.directory import ReportDirectory

EVENTS = 100_000
IN_A_BATCH = 4096
ROUNDS = 9
OPENAT, NOT_FOUND = 257, -2
STAGES = {
    "decode": "capture: ring record to event",
    "send": "capture: order, encode, write",
    "parse": "analysis: line to event",
    "count": "analysis: facts for the report",
    "detect": "analysis: all detectors",
    "log": "analysis: hash and write the raw log",
}


def figure(place: Place) -> Figure:
    """Microseconds of processor time for an event, in each stage."""
    batches = _batches()
    decoder = Decoder()
    events = [event for batch in batches for event in decoder.bulk(batch)]
    mixed = _with_processes(events)
    lines = [encode(event) for event in mixed]
    found = alternate(
        {
            "decode": _timed(lambda: _decode(batches)),
            "send": _timed(lambda: _send(events)),
            "parse": _timed(lambda: [decode(line) for line in lines]),
            "count": _timed(lambda: _each(mixed, Analysis().feed)),
            "detect": _timed(lambda: _each(mixed, Pipeline(registry.load()).feed)),
            "log": _timed(lambda: _log(place, lines)),
            "json": _timed(lambda: [json.loads(line) for line in lines]),
        },
        ROUNDS,
    )
    rows = [Row(case=words, value=found[name], unit="µs") for name, words in STAGES.items()]
    ratio = found["parse"].over(found["json"])
    rows.append(
        Row(
            case="peer: json.loads of the same line",
            value=found["json"],
            unit="µs",
            ratio=ratio,
            against="this, to parse",
        )
    )
    rate = Sample(tuple(1e3 / microseconds for microseconds in found["detect"].values))
    rows.append(Row(case="all detectors on one core", value=rate, unit="thousand events/s"))
    return Figure(name="stages", title="Where an event's time goes", rows=rows)


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    """Microseconds of processor time that one event takes."""

    def once() -> float:
        began = time.process_time()
        work()
        return (time.process_time() - began) / EVENTS * 1e6

    return once


def _batches() -> list[bytes]:
    """What the bulk ring holds after so many opens of different paths."""
    records = [_record(number) for number in range(EVENTS)]
    return [b"".join(records[i : i + IN_A_BATCH]) for i in range(0, EVENTS, IN_A_BATCH)]


def _record(number: int) -> bytes:
    path = b"/usr/share/doc/package-%d/copyright\0" % number
    when = 10**12 + number * 2000
    fixed = (when, 7, 7, abi.PATH, 0, NOT_FOUND, 0, 0, 0, 0, -100, 0, 0, OPENAT)
    record = abi.PATH_LAYOUT.format.pack(*fixed, len(path), 0, 0, 0) + path
    size = abi.STRIDE - abi.RING_HEADER
    return struct.pack("<II", size, 0) + record.ljust(size, b"\0")


def _with_processes(events: Sequence[Event]) -> list[Event]:
    mixed: list[Event] = []
    for number, event in enumerate(events):
        mixed.append(event)
        if number % 100 == 0:
            child = 100 + number // 100
            mixed.append(Fork(ts=event.ts, pid=7, child=child))
            path = "/usr/bin/env"
            mixed.append(Exec(ts=event.ts, pid=child, path=path, file=path, argv=("env", "x")))
            mixed.append(Exit(ts=event.ts, pid=child))
    return mixed


def _decode(batches: Sequence[bytes]) -> None:
    decoder = Decoder()
    for batch in batches:
        for _ in decoder.bulk(batch):
            pass


def _send(events: Sequence[Event]) -> None:
    with Path(os.devnull).open("wb") as null:
        stream = EventStream(null.fileno())
        for start in range(0, len(events), IN_A_BATCH):
            batch = events[start : start + IN_A_BATCH]
            stream.add(batch)
            stream.release(batch[-1].ts)
            stream.write()
        stream.release_all()
        stream.flush()


def _each(events: Sequence[Event], take: Callable[[Event], object]) -> None:
    for event in events:
        take(event)


def _log(place: Place, lines: Sequence[bytes]) -> None:
    with (
        tempfile.TemporaryDirectory(dir=place.path) as directory,
        ReportDirectory(Path(directory), "log") as log,
    ):
        for line in lines:
            log.append(line)
