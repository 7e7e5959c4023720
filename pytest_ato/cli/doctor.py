"""`ato doctor`: what this machine can capture, what is missing, and how to get it."""

from __future__ import annotations

import argparse
from typing import Final

from pytest_ato.cli.screen import Screen
from pytest_ato.model.check import Check

_MARKS: Final = {"ok": "ok", "optional": "--", "missing": "NO"}
_COLORS: Final = {"ok": "32", "optional": "33", "missing": "31"}
_CANNOT: Final = 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the one option."""
    parser.add_argument("-q", "--quiet", action="store_true", help="print only what is missing")


def run(arguments: argparse.Namespace) -> int:
    """Ask and tell; returns 0 when this machine can audit, else 2."""
    from pytest_ato.runtime.local import checks

    screen = Screen(quiet=arguments.quiet)
    answers = checks()
    missing = sum(answer.state == "missing" for answer in answers)
    for answer in answers:
        if not screen.quiet or answer.state == "missing":
            screen.lines(_lines(answer, screen.color))
    if missing or not answers:
        screen.lines([f"this machine cannot audit yet: {missing} missing"])
        return _CANNOT
    if not screen.quiet:
        screen.lines(["this machine can audit"])
    return 0


def _lines(answer: Check, color: bool) -> list[str]:
    mark = _MARKS[answer.state]
    if color:
        mark = f"\x1b[{_COLORS[answer.state]}m{mark}\x1b[0m"
    lines = [f"{mark}  {answer.topic:<14}{answer.found}"]
    if answer.cure:
        lines.append(f"    {'':<14}to get it: {answer.cure}")
    return lines
