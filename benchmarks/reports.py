"""From the target's exit to all reports and the signed attestation on disk."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Run:
    """One audit, timed by the events' clock and by what its files say."""

    seconds: float
    analysis: float
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
        Row(
            case="part: analysis after the last event",
            value=Sample(tuple(one.analysis for one in kept)),
            unit="s",
        ),
        *(
            Row(
                case=f"part: rendering {name}",
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
    timing = json.loads(data)["timing"]
    report = msgspec.json.decode(data, type=Report)
    assert report.conclusive, report.inconclusive
    assert len(report.findings) >= FINDINGS, len(report.findings)
    assert audited.bulk()["produced"] >= EVENTS
    exited = max(int(str(event["ts"])) for event in audited.events("exit"))
    return Run((_written(audited) - exited) / 1e9, timing["analysis_ms"] / 1e3, _render(report))


def _written(audited: Audited) -> int:
    """When the last file was written, in the events' clock (ns)."""
    assert audited.file("attestation.dsse.json").exists(), "it was not signed"
    behind = time.time_ns() - time.monotonic_ns()
    return max(file.stat().st_mtime_ns for file in audited.directory.iterdir()) - behind


def _render(report: Report) -> dict[str, float]:
    found: dict[str, float] = {}
    for renderer in RENDERERS:
        began = time.perf_counter()
        renderer.render(report)
        found[renderer.file_name] = time.perf_counter() - began
    return found
