"""Which detectors could not work in an audit, and which categories that leaves without an answer.

Owns the wording of both. An empty category with no detector behind it is not a clean one, so
whoever shows or asserts on categories asks here first.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_ato.detectors.interface import Definition, Idle
from pytest_ato.model.findings import Category


def not_run(skipped: Iterable[Idle]) -> dict[str, str]:
    """Return why each of the `skipped` detectors did not run, by its name."""
    return {idle.definition.name: idle.reason for idle in skipped}


def unavailable(watching: Iterable[Definition], skipped: Iterable[Idle]) -> dict[Category, str]:
    """Return why nothing can be said of a category, for each that no detector watched."""
    watched = {definition.category for definition in watching}
    without: dict[Category, list[str]] = {}
    for idle in sorted(skipped, key=lambda idle: idle.definition.name):
        text = f"{idle.definition.name} {idle.reason}"
        without.setdefault(idle.definition.category, []).append(text)
    reasons = {}
    for category in Category:
        if category in watched:
            continue
        if category in without:
            reasons[category] = f"its detectors cannot work: {'; '.join(without[category])}"
        else:
            reasons[category] = "no detector for it is installed"
    return reasons
