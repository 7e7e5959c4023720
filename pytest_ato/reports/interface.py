"""What a renderer is: one form of the report, as one file of its directory."""

from __future__ import annotations

from typing import Protocol

from pytest_ato.model.report import Report


class Renderer(Protocol):
    """Turns a report into the bytes of one file.

    A report is masked and printable already; a renderer escapes for its own form. The same report
    gives the same bytes, whatever the locale, time zone and hash seed.
    """

    @property
    def name(self) -> str:
        """Short name, such as ``json``."""

    @property
    def file_name(self) -> str:
        """Name of its file in the report's directory."""

    def render(self, report: Report) -> bytes:
        """Return the whole file."""
