"""What to do about a finding: by its rule, else by its category.

Owns the reading of `data/remedies.json`; a detector of another package brings no row, and gets its
category's.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec

from pytest_ato.model.findings import Category


class Remedies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    rules: dict[str, str]
    categories: dict[Category, str]


@cache
def remedies() -> Remedies:
    """Read the file, once."""
    data = (files("pytest_ato.reports") / "data" / "remedies.json").read_bytes()
    return msgspec.json.decode(data, type=Remedies)


def remedy(rule: str, category: Category) -> str:
    """Return one or two sentences for whoever decides about the target."""
    known = remedies()
    return known.rules.get(rule) or known.categories.get(category, "")
