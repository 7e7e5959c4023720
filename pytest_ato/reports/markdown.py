"""`report.md`: the report for a person, on GitHub or in a terminal.

Owns the bounds of that page; its text is in `templates/report.md.j2`. Every value that the template
prints goes through `commonmark.inline` unless a filter made it inert before, so that forgetting to
escape is not possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from pytest_ato.model.report import Report
from pytest_ato.policy.ceilings import duration
from pytest_ato.reports.commonmark import Inert, code, inline

if TYPE_CHECKING:
    from jinja2 import Template

BOUNDS: Final = {"table": 200, "details": 50, "lines": 20}
"""Rows of a table of findings, findings told in full, and lines of any other list: more than these
are only counted, which keeps the page below the 1 MiB that GitHub shows."""


class MarkdownRenderer:
    """GitHub-flavoured Markdown in UTF-8, bounded in size."""

    name = "markdown"
    file_name = "report.md"

    def render(self, report: Report) -> bytes:
        """Return the whole file."""
        return _template().render(report=report, bounds=BOUNDS).encode()


@cache
def _template() -> Template:
    import jinja2  # only who renders pays for it

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pytest_ato.reports"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  (that is HTML's; `finalize` escapes for Markdown)
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(code=code, some=_some, sentence=_sentence, duration=duration)
    return environment.get_template("report.md.j2")


def _sentence(text: str) -> str:
    """Begin with a capital letter and end with a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


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
