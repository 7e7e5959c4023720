"""`report.md`: the report for a person, on GitHub or in a terminal; and its short form.

Owns the bounds of both; their text is in `templates/markdown/`, `report.md.j2` and `summary.md.j2`.
Every value that a template prints goes through `commonmark.inline` unless a filter made it inert
before, so that forgetting to escape is not possible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from pytest_ato.model.report import Report
from pytest_ato.reports import grouping, jinja
from pytest_ato.reports.commonmark import Inert, code, inline

if TYPE_CHECKING:
    from jinja2 import Environment

BOUNDS: Final = {"table": 200, "details": 50, "lines": 20, "rows": 60}
"""Findings of a table, findings told in full, lines of any other list, and rows of any other table:
more than these are only counted, which keeps the page below the 1 MiB that GitHub shows."""
_SHORT: Final = {"table": 30, "details": 0, "lines": 10, "rows": 0}


class MarkdownRenderer:
    """GitHub-flavoured Markdown in UTF-8, bounded in size."""

    name = "markdown"
    file_name = "report.md"

    def render(self, report: Report) -> bytes:
        """Return the whole file."""
        return (
            _environment()
            .get_template("report.md.j2")
            .render(
                report=report,
                bounds=BOUNDS,
                tree=tuple(grouping.tree(report.processes)),
                requests=grouping.repeated(report.requests),
                frameworks=grouping.frameworks(report),
            )
            .encode()
        )


def summary(report: Report) -> bytes:
    """Return the short form, at most some 32 KiB."""
    return (
        _environment().get_template("summary.md.j2").render(report=report, bounds=_SHORT).encode()
    )


def overview(reports: Mapping[str, Report]) -> bytes:
    """Return many audits as one page: a table by name, then the short form of each that has more
    to say than APPROVE."""
    template = _environment().get_template("overview.md.j2")
    return template.render(reports=reports, bounds=_SHORT).encode()


@cache
def _environment() -> Environment:
    # `_finalize` escapes for Markdown; jinja2 would for HTML.
    return jinja.environment(
        "markdown",
        _finalize,
        autoescape=False,
        code=code,
        indented=_indented,
        inline=inline,
        some=_some,
    )


def warm() -> None:
    """Load the templates; for whoever has to wait for something else anyway."""
    jinja.load_all(_environment())


def _indented(depth: int) -> Inert:
    """What stands before an item of a list that is so many levels deep."""
    return Inert("  " * depth)


def _some(texts: Sequence[str], total: int = 0) -> Inert:
    """Return the first of `texts` as code spans, and how many of `total` (or all) are left out."""
    shown = [code(text) for text in texts[: BOUNDS["lines"]]]
    left = max(total, len(texts)) - len(shown)
    more = f" and {left:,} more" if left else ""
    return Inert(", ".join(shown) + more)


def _finalize(value: object) -> Inert:
    if isinstance(value, Inert):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Inert(f"{value:,}")
    return inline(str(value))
