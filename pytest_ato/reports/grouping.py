"""Parts of a report in the order and the groups in which people read them, for every form.

Owns no words and no escape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from msgspec import structs

from pytest_ato.model.findings import Severity
from pytest_ato.model.observed import Control, ReportProcess
from pytest_ato.model.report import Report, ReportFinding, Request
from pytest_ato.reports.crosswalk import crosswalk

DEEPEST: Final = 12
"""Levels of the tree of processes that are told apart."""
_NUMBERED: Final = re.compile(r"F-([0-9]{1,9})")
_RUN: Final = 3
"""Numbers in a row from which on only the first and the last are named."""


class Framework(NamedTuple):
    """One standard: how it is called and numbered, and what the run says of its controls."""

    name: str
    version: str
    source: str
    former: str
    """Edition that the older numbers are of; empty: there is no other numbering."""
    unnumbered: str
    """What it means that a control has no older number."""
    note: str
    """How the numbering moved; empty: there is nothing to say."""
    controls: tuple[Control, ...]


def by_severity(
    findings: Sequence[ReportFinding],
) -> tuple[tuple[Severity, tuple[ReportFinding, ...]], ...]:
    """Group findings, which come worst first."""
    groups = groupby(findings, key=lambda finding: finding.severity)
    return tuple((severity, tuple(group)) for severity, group in groups)


def tree(processes: Iterable[ReportProcess]) -> Iterator[tuple[int, ReportProcess]]:
    """Yield the processes as depth and process, each below its parent."""
    children: dict[str, list[ReportProcess]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    waiting = [(0, process) for process in reversed(children.pop("", []))]
    while waiting:
        depth, process = waiting.pop()
        yield min(depth, DEEPEST), process
        waiting += [(depth + 1, child) for child in reversed(children.pop(process.id, []))]


def frameworks(report: Report) -> tuple[Framework, ...]:
    """Group the controls by standard, with where the standard is to be read."""
    data = crosswalk()
    standards = {each.framework: each for each in data.frameworks}
    sources = {data.attack.framework: data.attack.source}
    found = []
    groups = groupby(report.controls, key=lambda control: (control.framework, control.version))
    for (name, version), group in groups:
        standard = standards.get(name)
        found.append(
            Framework(
                name=name,
                version=version,
                source=standard.source if standard else sources.get(name, ""),
                former=standard.former if standard else "",
                unnumbered=standard.unnumbered if standard else "",
                note=standard.note if standard else "",
                controls=tuple(group),
            )
        )
    return tuple(found)


def ranges(ids: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return ids of findings as first and last of each run of numbers; `last` is empty for one
    that stands alone."""
    runs: list[list[str]] = []
    for each in ids:
        if runs and _follows(runs[-1][-1], each):
            runs[-1].append(each)
        else:
            runs.append([each])
    return tuple(pair for run in runs for pair in _named(run))


def _follows(one: str, other: str) -> bool:
    first, second = _NUMBERED.fullmatch(one), _NUMBERED.fullmatch(other)
    return first is not None and second is not None and int(second[1]) == int(first[1]) + 1


def _named(run: Sequence[str]) -> Iterable[tuple[str, str]]:
    return ((run[0], run[-1]),) if len(run) >= _RUN else ((each, "") for each in run)


def repeated(requests: Iterable[Request]) -> tuple[tuple[Request, int], ...]:
    """Return different requests, each as the first of its kind, and how often it was sent."""
    counts: dict[Request, int] = {}
    first: dict[Request, Request] = {}
    for request in requests:
        kind = structs.replace(request, ts=0)
        first.setdefault(kind, request)
        counts[kind] = counts.get(kind, 0) + 1
    return tuple((first[kind], times) for kind, times in counts.items())
