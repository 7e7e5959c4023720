"""The renderers there are, and the file names that belong to a report's directory."""

from __future__ import annotations

from typing import Final

from pytest_ato.evidence import names
from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show
from pytest_ato.reports import html, junit, markdown
from pytest_ato.reports.crosswalk import crosswalk
from pytest_ato.reports.html import HtmlRenderer
from pytest_ato.reports.interface import Renderer
from pytest_ato.reports.json import JsonRenderer
from pytest_ato.reports.junit import JunitRenderer
from pytest_ato.reports.markdown import MarkdownRenderer
from pytest_ato.reports.remedies import remedies
from pytest_ato.reports.sarif import SarifRenderer

RENDERERS: Final[tuple[Renderer, ...]] = (
    JsonRenderer(),
    MarkdownRenderer(),
    HtmlRenderer(),
    JunitRenderer(),
    SarifRenderer(),
)

EVENTS: Final = "events.jsonl"
"""The raw log: unmasked, readable by its owner only."""

SIDECAR: Final = ".sha256"
"""Suffix of the file that holds another's digest, as ``sha256sum -c`` reads it."""

_BESIDE: Final = frozenset(
    {
        EVENTS,
        *names.ALL,
    }
)
"""Names that other versions of this tool put beside the renderings."""


ALIASES: Final = {"md": "markdown"}
"""Other names of formats, as extensions have them."""


def renderer(name: str) -> Renderer:
    """Return the renderer of a format; raises `UsageError` for an unknown one."""
    for known in RENDERERS:
        if known.name == ALIASES.get(name, name):
            return known
    names = sorted({*(known.name for known in RENDERERS), *ALIASES})
    raise UsageError(f"there is no report format {show(name, 60)!r}; known are: {', '.join(names)}")


def warm() -> None:
    """Load what rendering needs, some 100 ms, for whoever waits for something else anyway."""
    html.warm()
    markdown.warm()
    junit.warm()
    crosswalk()
    remedies()


def is_ours(file_name: str) -> bool:
    """Whether a report's directory may hold a file of this name: only such are ever replaced."""
    name = file_name.removesuffix(SIDECAR)
    return name in _BESIDE or any(name == known.file_name for known in RENDERERS)
