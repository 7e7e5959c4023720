"""`report.html`: the report for a person, as one file that needs nothing else.

Owns the bounds of that page; its text is in `templates/html/`. jinja2 escapes every value. The page
has no script and its policy (CSP) forbids to load anything, so it is inert wherever it is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Final

from pytest_ato.model.findings import Severity
from pytest_ato.model.observed import ReportProcess
from pytest_ato.model.report import Report, ReportFinding
from pytest_ato.model.verdict import Verdict
from pytest_ato.policy.ceilings import duration
from pytest_ato.reports import charts
from pytest_ato.reports.crosswalk import crosswalk
from pytest_ato.reports.words import endpoint, moment, sentence, size

if TYPE_CHECKING:
    from jinja2 import Environment

BOUNDS: Final = {"details": 250, "rows": 200, "lines": 20}
"""Findings told in full, rows of a table, and lines of any other list; more are only counted."""
_DEEPEST: Final = 12
"""Levels of the tree of processes that are indented."""
_ANCHOR: Final = re.compile(r"F-[0-9]+|P[0-9]+")


class HtmlRenderer:
    """One self-contained page in UTF-8, bounded in size."""

    name = "html"
    file_name = "report.html"

    def render(self, report: Report) -> bytes:
        """Return the whole file."""
        tree = tuple(rows(report.processes))
        page = (
            _environment()
            .get_template("report.html.j2")
            .render(
                report=report,
                bounds=BOUNDS,
                groups=by_severity(report.findings),
                severities=charts.severities(report),
                timeline=charts.timeline(report),
                bars=charts.bars(report.destinations),
                tree=tree,
                frameworks=frameworks(report),
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
    for name in _environment().list_templates():
        _environment().get_template(name)


def by_severity(
    findings: Sequence[ReportFinding],
) -> tuple[tuple[Severity, tuple[ReportFinding, ...]], ...]:
    """Group findings, which come worst first."""
    groups = groupby(findings, key=lambda finding: finding.severity)
    return tuple((severity, tuple(group)) for severity, group in groups)


def rows(processes: Iterable[ReportProcess]) -> Iterator[tuple[int, ReportProcess]]:
    """Yield the tree as depth and process, each below its parent."""
    children: dict[str, list[ReportProcess]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    waiting = [(0, process) for process in reversed(children.pop("", []))]
    while waiting:
        depth, process = waiting.pop()
        yield min(depth, _DEEPEST), process
        waiting += [(depth + 1, child) for child in reversed(children.pop(process.id, []))]


def frameworks(report: Report) -> tuple[dict[str, object], ...]:
    """Group the controls by standard, with where the standard is to be read."""
    data = crosswalk()
    sources = {each.framework: each.source for each in data.frameworks}
    sources[data.attack.framework] = data.attack.source
    former = {each.framework: each.former for each in data.frameworks}
    unnumbered = {each.framework: each.unnumbered for each in data.frameworks}
    return tuple(
        {
            "name": name,
            "version": version,
            "source": sources.get(name, ""),
            "former": former.get(name, ""),
            "unnumbered": unnumbered.get(name, ""),
            "controls": tuple(group),
        }
        for (name, version), group in groupby(
            report.controls, key=lambda control: (control.framework, control.version)
        )
    )


@cache
def _environment() -> Environment:
    import jinja2  # only who renders pays for it

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pytest_ato.reports", "templates/html"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
    )
    environment.filters.update(
        duration=duration,
        sentence=sentence,
        size=size,
        code_of=_code_of,
        moment=moment,
        endpoint=endpoint,
    )
    return environment


def _finalize(value: object) -> object:
    """Write whole numbers with separators."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return value


def _code_of(verdict: Verdict) -> str:
    """The word by which the style sheet knows a verdict."""
    return "conditions" if verdict is Verdict.CONDITIONS else verdict.value.lower()
