"""Geometry of the charts: where on a scale what is drawn.

Owns numbers only; the templates draw them as SVG and escape the words. Positions on the horizontal
axis are percent, so that text keeps its size on a narrow screen; vertical ones are pixels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_ato.model.findings import Severity
from pytest_ato.model.observed import Moment, ReportDestination
from pytest_ato.model.report import Report
from pytest_ato.policy.ceilings import duration

BARS: Final = 12
"""Destinations of the chart of bytes, those with most."""
_LANES: Final = {
    "finding": "findings",
    "program": "programs",
    "name": "names asked for",
    "connection": "destinations",
    "file": "files written",
}
_TOP: Final = 8
_LANE: Final = 40
_CLOSE: Final = 2.0
"""Percent within which moments are one mark."""
_STEPS: Final = (1, 2, 5)
_TICKS: Final = 6


@dataclass(frozen=True, slots=True)
class Part:
    """One severity's share of a bar."""

    severity: Severity
    count: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Mark:
    """Moments so close to each other that one mark stands for them."""

    x: float
    moments: tuple[Moment, ...]

    @property
    def severity(self) -> str:
        """The worst of its findings'; empty: there are none."""
        found = [Severity(moment.severity) for moment in self.moments if moment.severity]
        return max(found, key=lambda severity: severity.rank).value if found else ""


@dataclass(frozen=True, slots=True)
class Lane:
    """All moments of one kind."""

    name: str
    y: int
    marks: tuple[Mark, ...]

    @property
    def count(self) -> int:
        """Moments of all its marks."""
        return sum(len(mark.moments) for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled line of the time scale."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The run from left to right, a lane for each kind of moment."""

    height: int
    ticks: tuple[Tick, ...]
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One destination: its bytes as shares of the greatest."""

    destination: ReportDestination
    out_width: float
    in_width: float


def severities(report: Report) -> tuple[Part, ...]:
    """Return the findings that count, by severity, worst first, as shares of one bar."""
    counts = Counter(finding.severity for finding in report.findings)
    total = sum(counts.values())
    parts: list[Part] = []
    x = 0.0
    for severity in sorted(counts, key=lambda each: -each.rank):
        width = _round(100 * counts[severity] / total)
        parts.append(Part(severity, counts[severity], _round(x), width))
        x += width
    return tuple(parts)


def timeline(report: Report) -> Timeline | None:
    """Return the lanes; None where nothing happened."""
    moments = [moment for moment in report.timeline if moment.kind in _LANES]
    if not moments:
        return None
    whole = max([report.ended.run_ms, 0.001, *(moment.ms for moment in report.timeline)])
    kinds = [kind for kind in _LANES if any(moment.kind == kind for moment in moments)]
    lanes = tuple(
        Lane(_LANES[kind], _TOP + number * _LANE, _marks(moments, kind, whole))
        for number, kind in enumerate(kinds)
    )
    return Timeline(_TOP + len(kinds) * _LANE, tuple(_ticks(whole)), lanes)


def bars(destinations: Sequence[ReportDestination]) -> tuple[Bar, ...]:
    """Return those with most bytes, most first."""
    busy = sorted(
        (each for each in destinations if each.bytes_out or each.bytes_in),
        key=lambda each: -(each.bytes_out + each.bytes_in),
    )[:BARS]
    most = max((max(each.bytes_out, each.bytes_in) for each in busy), default=1)
    return tuple(
        Bar(each, _round(100 * each.bytes_out / most), _round(100 * each.bytes_in / most))
        for each in busy
    )


def _marks(moments: Iterable[Moment], kind: str, whole: float) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    for moment in moments:
        if moment.kind != kind:
            continue
        x = _position(moment.ms, whole)
        if marks and x - marks[-1].x < _CLOSE:
            marks[-1] = Mark(marks[-1].x, (*marks[-1].moments, moment))
        else:
            marks.append(Mark(x, (moment,)))
    return tuple(marks)


def _ticks(whole: float) -> Iterable[Tick]:
    step = 0.001
    while whole / step > _TICKS:
        step = _next(step)
    for number in range(int(whole / step) + 1):
        ms = number * step
        yield Tick(_position(ms, whole), duration(ms) if ms else "0")


def _next(step: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50, ..."""
    power = 0.001
    while True:
        for digit in _STEPS:
            if digit * power > step * 1.001:
                return digit * power
        power *= 10


def _position(ms: float, whole: float) -> float:
    """Percent from the left, with room for a mark at either end."""
    return _round(1 + 98 * min(ms / whole, 1.0))


def _round(number: float) -> float:
    return round(number, 2)
