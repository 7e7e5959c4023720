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
        self._progress = sys.stderr.isatty() and not quiet
        self._shown = 0

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines of the result."""
        self.clear()
        for line in lines:
            print(line)

    def progress(self, text: str) -> None:
        """Show what is going on, on one line that the next one replaces; only to a person."""
        if self._progress:
            text = text[: self.width - 1]
            sys.stderr.write(f"\r{text:<{self._shown}}")
            sys.stderr.flush()
            self._shown = len(text)

    def clear(self) -> None:
        """Take the progress line away."""
        if self._shown:
            sys.stderr.write(f"\r{'':<{self._shown}}\r")
            sys.stderr.flush()
            self._shown = 0
