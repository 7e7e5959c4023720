"""The summary of one audit for a terminal: at most eight lines.

Owns their wording, width and colour. The report is masked and printable already; whether colour is
wanted (NO_COLOR, a pipe) is the caller's business.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from pytest_ato.model.octets import show
from pytest_ato.model.report import Report
from pytest_ato.model.verdict import Verdict

_COLOUR: Final = {
    Verdict.APPROVE: "32",
    Verdict.CONDITIONS: "33",
    Verdict.REVIEW: "33",
    Verdict.REJECT: "31",
    Verdict.INCONCLUSIVE: "35",
}
_LABEL: Final = 10
"""Columns of the words on the left."""
_NARROWEST: Final = 20


def summary_lines(report: Report, width: int, color: bool, location: str = "") -> list[str]:
    """Return what the target did and what was not seen, each line at most `width` columns wide.

    `location` is where the report lies, if it does. With `color` the verdict is set off by ANSI
    escapes, which take no columns.
    """
    width = max(width, _NARROWEST)
    rows = [
        ("ran", _ran(report)),
        ("wrote", _wrote(report)),
        ("network", _network(report)),
        ("bytes", _bytes(report)),
        ("not seen", _not_seen(report)),
    ]
    if report.provenance.signer:
        rows.append(("signed", report.provenance.signer))
    if location:
        rows.append(("report", show(location, 4096)))
    body = [_cut(f"  {label:<{_LABEL}}{text}", width) for label, text in rows]
    return [_headline(report, width, color), *body]


def _headline(report: Report, width: int, color: bool) -> str:
    name = report.target.name or "unknown target"
    verdict = report.verdict.value
    line = _cut(f"{name}: {verdict}: {report.reason}", width)
    before = f"{name}: "
    if color and line.startswith(before + verdict):
        rest = line[len(before) + len(verdict) :]
        return f"{before}\x1b[1;{_COLOUR[report.verdict]}m{verdict}\x1b[0m{rest}"
    return line


def _ran(report: Report) -> str:
    summary = report.summary
    programs = _listed(summary.programs, summary.programs_total)
    return f"{_count(summary.processes, 'process', 'processes')}{programs}; {report.ended.sentence}"


def _wrote(report: Report) -> str:
    summary = report.summary
    written = _listed(summary.written, summary.files_written)
    return f"{_count(summary.files_written, 'file')}{written}; read {summary.files_read:,}"


def _network(report: Report) -> str:
    summary = report.summary
    names = f"{_count(summary.names_total, 'name')}{_listed(summary.names, summary.names_total)}"
    addresses = _listed(summary.addresses, summary.addresses_total)
    return f"{names}; {_count(summary.addresses_total, 'address', 'addresses')}{addresses}"


def _bytes(report: Report) -> str:
    summary = report.summary
    printed = sum(summary.output_bytes.values())
    return f"{summary.bytes_out:,} sent, {summary.bytes_in:,} received, {printed:,} printed"


def _not_seen(report: Report) -> str:
    return "; ".join((*report.inconclusive, *report.coverage.notes)) or "nothing is known to lack"


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _listed(items: Sequence[str], total: int, most: int = 3) -> str:
    """Write the first few in brackets: `` (a, b, c and 4 more)``."""
    if not items:
        return ""
    shown = items[:most]
    more = f" and {total - len(shown):,} more" if total > len(shown) else ""
    return f" ({', '.join(_cut(item, 40) for item in shown)}{more})"


def _cut(text: str, width: int) -> str:
    """Cut `text` to `width` columns of a terminal, "…" marking the cut."""
    columns = 0
    fits = 0
    for index, char in enumerate(text):
        columns += _columns(char)
        if columns <= width - 1:
            fits = index + 1
        elif columns > width:
            return text[:fits] + "…"
    return text


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
