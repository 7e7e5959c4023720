"""Figures as rows, and the two files that hold them.

Owns the form of `results.md` and `results.json`, and what stays in them when only some figures are
measured anew; measures nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
from measure import Sample


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case of one figure."""

    case: str
    value: Sample
    unit: str
    ratio: Sample | None = None
    against: str = ""
    """What the ratio is to."""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What was wanted, and what came out."""

    text: str
    met: bool


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One question, with the rows that answer it."""

    name: str
    title: str
    rows: Sequence[Row]
    goals: Sequence[Goal] = field(default=())
    notes: Sequence[str] = field(default=())
    """Sentences: what could not be measured here, and why."""
    machine: Mapping[str, str] = field(default_factory=dict)
    """What it was measured on, and when; said by `write`."""


def write(place: Path, machine: Mapping[str, str], measured: Figure) -> None:
    """Write both files into the directory `place`; what they have of other figures stays."""
    figures = {figure.name: figure for figure in _read(place)}
    figures[measured.name] = replace(measured, machine=machine)
    (place / "results.md").write_text(markdown(machine, [*figures.values()]))
    document = msgspec.json.encode([*figures.values()])
    (place / "results.json").write_bytes(msgspec.json.format(document, indent=1) + b"\n")


def _read(place: Path) -> list[Figure]:
    try:
        return msgspec.json.decode((place / "results.json").read_bytes(), type=list[Figure])
    except FileNotFoundError:
        return []


def markdown(machine: Mapping[str, str], figures: Sequence[Figure]) -> str:
    """All figures as one page; of one that was measured elsewhere or before, what differs."""
    lines = ["# What it costs", "", "Written by `make bench`; how: `README.md`.", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    for figure in figures:
        lines += ["", *section(figure)]
        known = machine.items()
        differs = [": ".join(fact) for fact in figure.machine.items() if fact not in known]
        if differs:
            lines += ["", f"({'; '.join(differs)})"]
    return "\n".join(lines) + "\n"


def section(figure: Figure) -> list[str]:
    """One figure: a table, then its goals."""
    lines = [f"## {figure.title}", "", "| case | median (quartiles) | ratio |", "|---|---|---|"]
    for row in figure.rows:
        name = row.case + (f" ({row.note})" if row.note else "")
        ratio = f"{_spread(row.ratio)} times {row.against}" if row.ratio else ""
        lines.append(f"| {name} | {_spread(row.value)} {row.unit} | {ratio} |")
    for note in figure.notes:
        lines += ["", f"Note: {note}"]
    lines += [""] * bool(figure.goals)
    lines += [f"Goal {'met' if goal.met else 'MISSED'}: {goal.text}" for goal in figure.goals]
    return lines


def _spread(sample: Sample) -> str:
    low, high = sample.spread
    if len(sample.values) == 1:
        return _number(sample.median)
    return f"{_number(sample.median)} ({_number(low)} to {_number(high)})"


def _number(value: float) -> str:
    """Three digits that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
