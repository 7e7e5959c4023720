"""`report.html`: the report for a person, as one file that needs nothing else.

Owns the bounds of that page; its text is in `templates/html/`. jinja2 escapes every value. The page
has no script and its policy (CSP) forbids to load anything, so it is inert wherever it is opened.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from pytest_ato.model.observed import ReportProcess
from pytest_ato.model.report import Report
from pytest_ato.model.verdict import Verdict
from pytest_ato.reports import charts, grouping, jinja

if TYPE_CHECKING:
    from jinja2 import Environment

BOUNDS: Final = {"details": 250, "rows": 200, "lines": 20}
"""Findings told in full, rows of a table, and lines of any other list; more are only counted."""
_ANCHOR: Final = re.compile(r"F-[0-9]+|P[0-9]+")


class HtmlRenderer:
    """One self-contained page in UTF-8, bounded in size."""

    name = "html"
    file_name = "report.html"

    def render(self, report: Report) -> bytes:
        """Return the whole file."""
        tree = tuple(grouping.tree(report.processes))
        page = (
            _environment()
            .get_template("report.html.j2")
            .render(
                report=report,
                bounds=BOUNDS,
                groups=grouping.by_severity(report.findings),
                severities=charts.severities(report),
                timeline=charts.timeline(report),
                bars=charts.bars(report.destinations),
                tree=tree,
                requests=grouping.repeated(report.requests),
                frameworks=grouping.frameworks(report),
                ids=_anchors(report, tree),
            )
        )
        return page.encode()


def _anchors(report: Report, tree: Sequence[tuple[int, ReportProcess]]) -> frozenset[str]:
    """Ids that the page has a place for, and links may lead to."""
    told = [finding.id for finding in report.findings[: BOUNDS["details"]]]
    shown = [process.id for _, process in tree[: BOUNDS["rows"]]]
    return frozenset(filter(_ANCHOR.fullmatch, (*told, *shown)))


def warm() -> None:
    """Load the templates; for whoever has to wait for something else anyway."""
    jinja.load_all(_environment())


@cache
def _environment() -> Environment:
    return jinja.environment("html", _finalize, autoescape=True, code_of=_code_of)


def _finalize(value: object) -> object:
    """Write whole numbers with separators."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return value


def _code_of(verdict: Verdict) -> str:
    """The word by which the style sheet knows a verdict."""
    return "conditions" if verdict is Verdict.CONDITIONS else verdict.value.lower()
