"""What `ato` prints and where: results on standard output, progress on a terminal's standard error.

Owns width, colour (`NO_COLOR`, a pipe) and quiet. Formats no finding.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable


class Screen:
    """The terminal of one command."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        terminal = sys.stdout.isatty()
        self.width = shutil.get_terminal_size().columns if terminal else 200
        self.color = (
            terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        )
        self._room = _columns_of_errors() - 1 if not quiet else 0
        """Columns of a progress line; none: it goes to no terminal."""
        self._shown = 0
        self._told = ""

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines of the result."""
        self.clear()
        for line in lines:
            print(line)

    def progress(self, text: str) -> None:
        """Show what is going on, on one line that the next one replaces; only to a person."""
        if self._room > 0 and text != self._told:
            self._told = text
            text = text[: self._room]
            sys.stderr.write(f"\r{text:<{self._shown}}")
            sys.stderr.flush()
            self._shown = len(text)

    def clear(self) -> None:
        """Take the progress line away."""
        if self._shown:
            sys.stderr.write(f"\r{'':<{self._shown}}\r")
            sys.stderr.flush()
            self._shown = 0
            self._told = ""


def _columns_of_errors() -> int:
    """Columns of the terminal that standard error goes to, 80 where it does not say; 0: none."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return 0
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
