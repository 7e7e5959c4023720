"""What takes minutes before an audit can start, told meanwhile: an image that is built or pulled.

On a terminal each step takes the place of the one before, elsewhere it is a line; with -q nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Final

import pytest

_ABOVE: Final = "\x1b[A\x1b[2K"
"""To the line above, which is erased (ECMA-48: CUU, EL)."""


def teller(config: pytest.Config) -> Callable[[str], None]:
    """What a runtime is to call with a line for each step."""
    if config.get_verbosity() < 0:
        return lambda _: None
    terminal: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or hasattr(config, "workerinput"):
        write = _to_standard_error  # a worker's is the terminal of the session
    else:
        write = _Rewriting(terminal).write if terminal.isatty else terminal.write_line
    capture = config.pluginmanager.get_plugin("capturemanager")

    def tell(step: str) -> None:
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            write(f"ato: {step}")

    return tell


def _to_standard_error(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class _Rewriting:
    """A line of the terminal that the next one replaces; the last one stays."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal
        self._before = ""

    def write(self, line: str) -> None:
        width = self._terminal._tw.fullwidth - 1  # where pytest's own plugins have it from
        self._terminal.ensure_newline()
        self._terminal.write(f"{self._before}{line[:width]}\n", flush=True)
        self._before = _ABOVE
