"""What GitHub Actions shows of audits: annotations in the log, and the summary of the step.

Owns the escape of workflow commands and the limits of both. Pure but for `publish`, which the faces
call; outside of Actions it does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import show
from pytest_ato.model.report import Report
from pytest_ato.model.verdict import Verdict
from pytest_ato.reports.markdown import summary

LIMIT: Final = 1 << 20
"""Bytes of one step's summary that GitHub takes; beyond, it takes nothing."""
ANNOTATIONS: Final = 10
"""Annotations of one level that GitHub shows of one step."""
_LEVELS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
}
_LEFT_OUT: Final = b"\nMore audits than this summary has room for: see their reports.\n"


def publish(reports: Sequence[Report], environment: Mapping[str, str]) -> list[str]:
    """Append the summary of `reports` to the step's, and return the lines to print."""
    if environment.get("GITHUB_ACTIONS") != "true" or not reports:
        return []
    lines = list(annotated(reports))
    place = environment.get("GITHUB_STEP_SUMMARY")
    if place:
        try:
            _append(Path(place), reports)
        except OSError as error:
            text = f"the step's summary cannot be written to {show(place)}: {error.strerror}"
            lines.append(command("warning", "ato", text))
    return lines


def annotated(reports: Iterable[Report]) -> Iterator[str]:
    """Yield workflow commands, worst first, as many of each level as GitHub shows."""
    told = dict.fromkeys(("error", "warning", "notice"), 0)
    for level, title, text in sorted(_all(reports), key=lambda each: list(told).index(each[0])):
        told[level] += 1
        if told[level] <= ANNOTATIONS:
            yield command(level, title, text)


def command(level: str, title: str, text: str) -> str:
    """Return one line that Actions obeys, and in which nothing else is a command."""
    heading = _escaped(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={heading}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _all(reports: Iterable[Report]) -> Iterator[tuple[str, str, str]]:
    for report in reports:
        name = report.target.name or "unknown target"
        if report.verdict is Verdict.INCONCLUSIVE:
            yield "error", f"{name}: INCONCLUSIVE", report.reason
        for finding in report.findings:
            title = f"{name}: {finding.severity.value} {finding.detector}"
            yield _LEVELS[finding.severity], title, f"{finding.id} {finding.title}"


def _append(place: Path, reports: Iterable[Report]) -> None:
    with place.open("ab") as file:
        room = LIMIT - file.tell() - len(_LEFT_OUT)
        for report in reports:
            part = summary(report) + b"\n"
            if len(part) > room:
                file.write(_LEFT_OUT if room > -len(_LEFT_OUT) else b"")
                return
            file.write(part)
            room -= len(part)
