"""Which detectors could not work in an audit, and which categories that leaves without an answer.

Owns the wording of both. An empty category with no detector behind it is not a clean one, so
whoever shows or asserts on categories asks here first.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_ato.detectors.interface import Definition
from pytest_ato.model.findings import Category


def not_run(skipped: Iterable[Definition], network: str) -> dict[str, str]:
    """Return why each of the `skipped` detectors did not run, by its name."""
    return {
        definition.name: f"needs network {' or '.join(sorted(definition.needs))}, not {network}"
        for definition in skipped
    }


def unavailable(
    watching: Iterable[Definition], skipped: Iterable[Definition], network: str
) -> dict[Category, str]:
    """Return why nothing can be said of a category, for each that no detector watched."""
    watched = {definition.category for definition in watching}
    idle: dict[Category, list[str]] = {}
    for definition in skipped:
        idle.setdefault(definition.category, []).append(definition.name)
    reasons = {}
    for category in Category:
        if category in watched:
            continue
        if category in idle:
            names = ", ".join(sorted(idle[category]))
            reasons[category] = f"its detectors cannot work with network {network}: {names}"
        else:
            reasons[category] = "no detector for it is installed"
    return reasons
