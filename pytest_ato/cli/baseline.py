"""`ato baseline save|diff|accept`: what a version did, kept, compared with the next, accepted."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ato.cli.screen import Screen
from pytest_ato.model.octets import show

if TYPE_CHECKING:
    from pytest_ato.policy.baseline import Difference

SAME, DIFFERENT = 0, 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the three actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (
        ("save", "write what the audit of LOG did into FILE, which must not know its target yet"),
        ("diff", "say what the audit of LOG did that FILE does not have, and what it left out"),
        ("accept", "write what the audit of LOG did into FILE, in place of what it has"),
    ):
        action = actions.add_parser(name, help=text, description=f"{text}.", allow_abbrev=False)
        action.add_argument("file", metavar="FILE", type=Path, help="the baseline")
        action.add_argument("log", metavar="LOG", type=Path, help="events.jsonl of an audit")


def run(arguments: argparse.Namespace) -> int:
    """Do it and tell; returns 1 where diff found a difference. Raises `AtoError`."""
    from pytest_ato.model.errors import UsageError
    from pytest_ato.policy import baseline
    from pytest_ato.policy.observe import observe

    observed = observe(arguments.log)
    name = baseline.name_of(observed)
    shown = show(name, 60)
    if arguments.action == "save" and arguments.file.exists():
        known, _ = baseline.load(arguments.file)
        if name in known.targets:
            raise UsageError(f"{arguments.file} has {shown} already; use ato baseline accept")
    screen = Screen()
    if arguments.action == "diff":
        known, _ = baseline.load(arguments.file)
        if name not in known.targets:
            raise UsageError(f"{arguments.file} has nothing of {shown}; use ato baseline save")
        found = baseline.compare(known.targets[name], baseline.recorded(observed))
        screen.lines(lines(found) or [f"{shown}: no difference"])
        return DIFFERENT if found else SAME
    found = baseline.update(arguments.file, observed)
    screen.lines([*lines(found), f"{shown}: written to {arguments.file}"])
    return SAME


def lines(difference: Difference) -> list[str]:
    """A line for each fact, as a diff has it."""
    marked = [("+", *fact) for fact in difference.new] + [("-", *fact) for fact in difference.gone]
    return [f"{mark} {kind}: {show(value, 300)}" for mark, kind, value in marked]
