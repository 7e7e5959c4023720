"""Figures as rows, and the two files that hold them.

Owns the form of `results.md` and `results.json`; measures nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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


def write(place: Path, machine: Mapping[str, str], figures: Sequence[Figure]) -> None:
    """Write both files into the directory `place`."""
    (place / "results.md").write_text(markdown(machine, figures))
    document = {"machine": dict(machine), "figures": [_as_json(figure) for figure in figures]}
    (place / "results.json").write_text(json.dumps(document, indent=1) + "\n")


def markdown(machine: Mapping[str, str], figures: Sequence[Figure]) -> str:
    """All figures as one page."""
    lines = ["# What it costs", "", "Written by `make bench`; how: `README.md`.", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    for figure in figures:
        lines += ["", *section(figure)]
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


def _as_json(figure: Figure) -> dict[str, object]:
    return {
        "name": figure.name,
        "title": figure.title,
        "rows": [
            {
                "case": row.case,
                "unit": row.unit,
                "values": row.value.values,
                "ratio": row.ratio.values if row.ratio else None,
                "against": row.against,
                "note": row.note,
            }
            for row in figure.rows
        ],
        "goals": [{"text": goal.text, "met": goal.met} for goal in figure.goals],
        "notes": list(figure.notes),
    }
