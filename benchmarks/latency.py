"""How long after an event its finding is there, while the target runs on."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from measure import Sample
from programs import Place
from results import Figure, Goal, Row

from pytest_ato.audit import Auditor, Options
from pytest_ato.audit import auditor as auditing
from pytest_ato.examination import Examination
from pytest_ato.model.events import decode
from pytest_ato.model.findings import Finding
from pytest_ato.target import resolve

FINDINGS = 100
ROUNDS = 9
GOAL = 20.0
START = b'{"kind":"finding",'


class Watched(Examination):
    """Notes, for each line of a finding as it goes to the log, how old its event is (ms)."""

    ages: list[float]

    def __init__(self, detectors: object, record: Callable[[bytes], None], *others: object) -> None:
        def noting(line: bytes) -> None:
            if line.startswith(START):
                found = decode(line)
                assert isinstance(found, Finding)
                self.ages.append((time.monotonic_ns() - found.ts) / 1e6)
            record(line)

        super().__init__(detectors, noting, *others)


def figure(place: Place) -> Figure:
    """Milliseconds from the kernel's time stamp to the line; the 99th of 100 in each round."""
    middle, late = [], []
    before, auditing.Examination = auditing.Examination, Watched
    try:
        for _ in range(ROUNDS + 1):
            ages = sorted(_ages(place.path / "latency", place.target("persist")))
            middle.append(statistics.median(ages))
            late.append(ages[int(len(ages) * 0.99) - 1])
    finally:
        auditing.Examination = before
    rows = [
        Row(case="median", value=Sample(tuple(middle[1:])), unit="ms"),
        Row(case="99th percentile", value=Sample(tuple(late[1:])), unit="ms"),
    ]
    met = rows[1].value.median <= GOAL
    goal = Goal(text=f"99 of 100 findings within {GOAL:g} ms", met=met)
    title = f"From an event to its finding, {FINDINGS} times"
    return Figure(name="latency", title=title, rows=rows, goals=[goal])


def _ages(reports: Path, program: str) -> list[float]:
    Watched.ages = []
    with Auditor(report_dir=reports) as auditor:
        options = Options(args=(str(FINDINGS),), network="none")
        report = auditor.audit(resolve(program), options).report
    assert report.conclusive, report.inconclusive
    assert len(Watched.ages) >= FINDINGS, f"{len(Watched.ages)} findings"
    return Watched.ages
