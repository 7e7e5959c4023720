"""From the target's exit to all reports and the signed attestation on disk."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from measure import Sample, alternate
from programs import ATO, Audited, Place, run
from results import Figure, Goal, Row

from pytest_ato.model.report import Report
from pytest_ato.reports.registry import RENDERERS

GOAL = 2.0
EVENTS = 100_000
FINDINGS = 200
ROUNDS = 9
PARTS = (
    "the rest of the records is read, the sandbox taken down",
    "detectors end, the verdict",
    "the report is built, masked, rendered in all forms, on disk",
    "it is signed and recorded, on disk",
)


@dataclass(frozen=True)
class Run:
    """One audit, timed by the events' clock and by what its files say."""

    seconds: float
    parts: dict[str, float]
    """One after the other, they are the whole."""
    renderings: dict[str, float]
    """Of each format alone, in this process."""


def figure(place: Place) -> Figure:
    """The target leaves 200 units for systemd, opens 100,000 different paths, and ends at once."""
    runs: list[Run] = []

    def measured() -> float:
        runs.append(_measure(place))
        return runs[-1].seconds

    whole = alternate({"ato": measured}, ROUNDS)["ato"]
    kept = runs[1:]
    rows = [
        Row(case="the target's exit to the last file", value=whole, unit="s"),
        *(
            Row(
                case=f"part: {name}", value=Sample(tuple(one.parts[name] for one in kept)), unit="s"
            )
            for name in kept[0].parts
        ),
        *(
            Row(
                case=f"of that, rendering {name}",
                value=Sample(tuple(one.renderings[name] for one in kept)),
                unit="s",
            )
            for name in kept[0].renderings
        ),
    ]
    text = f"{EVENTS:,} events with {FINDINGS} findings: at most {GOAL:g} s"
    goal = Goal(text=text, met=whole.median <= GOAL)
    title = "The target's exit to all reports and the attestation"
    return Figure(name="reports", title=title, rows=rows, goals=[goal])


def _measure(place: Place) -> Run:
    reports = place.path / "reports"
    options = ("--network=none", f"--report-dir={reports}")
    target = place.target("findings")
    run((ATO, "run", *options, target, "--", str(FINDINGS), str(EVENTS)), place, status=(1,))
    audited = Audited(reports / "findings")
    data = audited.file("report.json").read_bytes()
    report = msgspec.json.decode(data, type=Report)
    assert report.conclusive, report.inconclusive
    assert len(report.findings) >= FINDINGS, len(report.findings)
    assert audited.bulk()["produced"] >= EVENTS
    exited, *moments = _moments(audited)
    parts: dict[str, float] = {}
    before = exited
    for name, moment in zip(PARTS, moments, strict=True):
        parts[name], before = (moment - before) / 1e9, moment
    return Run((before - exited) / 1e9, parts, _render(report))


def _moments(audited: Audited) -> tuple[int, ...]:
    """The target's exit, and when each of `PARTS` was done, in the events' clock (ns)."""
    assert audited.file("attestation.dsse.json").exists(), "it was not signed"
    rendered = [renderer.file_name for renderer in RENDERERS]
    return (
        max(_times(audited, "exit")),
        *_times(audited, "end"),
        *_times(audited, "timing"),
        _written(audited.file(name) for name in rendered),
        _written(audited.directory.iterdir()),
    )


def _times(audited: Audited, kind: str) -> list[int]:
    return [int(str(event["ts"])) for event in audited.events(kind)]


def _written(files: Iterable[Path]) -> int:
    behind = time.time_ns() - time.monotonic_ns()
    return max(file.stat().st_mtime_ns for file in files) - behind


def _render(report: Report) -> dict[str, float]:
    found: dict[str, float] = {}
    for renderer in RENDERERS:
        began = time.perf_counter()
        renderer.render(report)
        found[renderer.file_name] = time.perf_counter() - began
    return found
