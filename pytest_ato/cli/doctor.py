"""`ato doctor`: what this machine can capture, what is missing, and how to get it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
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
    from pytest_ato.evidence.signers import modules
    from pytest_ato.flows import checks as flows
    from pytest_ato.runtime.docker import checks as containers
    from pytest_ato.runtime.local import checks

    screen = Screen(quiet=arguments.quiet)
    machine = checks()
    # Beside the rows of the machine, before the tables that have a heading.
    at = sum(not answer.section for answer in machine)
    others = (flows.check(), modules.check(), *containers.checks())
    answers = (*machine[:at], *others, *machine[at:]) if machine else ()
    missing = sum(answer.state == "missing" for answer in answers)
    shown = [answer for answer in answers if not screen.quiet or answer.state == "missing"]
    for section, rows in groupby(shown, attrgetter("section")):
        screen.lines(_table(section, tuple(rows), screen.color))
    if missing and any(row.topic == containers.ENGINE and row.state == "ok" for row in others):
        screen.lines(["this machine can audit in a container only: --ato-runtime=docker"])
        return 0
    if missing or not answers:
        screen.lines([f"this machine cannot audit yet: {missing} missing"])
        return _CANNOT
    if not screen.quiet:
        screen.lines(["this machine can audit"])
    return 0


def _table(section: str, rows: tuple[Check, ...], color: bool) -> Iterator[str]:
    if section:
        yield f"{section}:"
    width = max(len(row.topic) for row in rows) + 2
    for row in rows:
        mark = _MARKS[row.state]
        if color:
            mark = f"\x1b[{_COLORS[row.state]}m{mark}\x1b[0m"
        yield f"{mark}  {row.topic:<{width}}{row.found}"
        if row.cure:
            yield f"    {'':<{width}}to get it: {row.cure}"
