"""`ato detectors list|explain|test`: what is looked for, and whether own rules do what they say.

Owns the text on the screen; the facts are the definitions'.
"""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show

if TYPE_CHECKING:
    from pytest_ato.detectors.interface import Definition


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the three commands."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="all detectors, one a line")
    explain = commands.add_parser("explain", help="what one detector fires on, and what it leaves")
    explain.add_argument("detector", metavar="ID", help="its id or name, such as beaconing")
    for command in (listing, explain):
        command.add_argument(
            "--rules",
            metavar="FILE",
            type=Path,
            action="append",
            default=[],
            help="and the rules of this file; may be repeated",
        )
    test = commands.add_parser("test", help="run the examples of a rule file")
    test.add_argument("file", metavar="FILE", type=Path)


def run(arguments: argparse.Namespace) -> int:
    """Print what was asked for; returns the exit code. Raises `AtoError`."""
    if arguments.action == "test":
        return _test(arguments.file)
    from pytest_ato.detectors import registry
    from pytest_ato.rules.load import detectors

    definitions = registry.definitions(detectors(arguments.rules))
    if arguments.action == "list":
        print(*map(_line, definitions), sep="\n")
    else:
        print(explanation(_chosen(definitions, arguments.detector)))
    return 0


def sentence(title: str) -> str:
    """A definition's title with a capital, without a full stop."""
    return title[:1].upper() + title[1:].rstrip(".")


def explanation(definition: Definition) -> str:
    """Everything that a user may want to know of one detector, as text."""
    parts = [
        f"{definition.name} ({definition.rule})",
        f"  {sentence(definition.title)}.",
        "",
        f"  category    {definition.category}",
        f"  severity    {definition.severity}",
        f"  technique   {definition.technique or 'none'}{_link(definition.technique)}",
    ]
    if definition.needs:
        parts.append(f"  network     {' or '.join(sorted(definition.needs))} alone")
    if definition.input:
        parts.append(f"  needs       {definition.asks_for}")
    if definition.fires:
        parts += ["", _paragraph(f"Fires when {definition.fires}.")]
    if definition.silent:
        parts += ["", _paragraph(f"Stays silent on {definition.silent}.")]
    if definition.thresholds:
        parts += ["", "  Thresholds, for a policy's `thresholds`:"]
        parts += [f"    {name} = {number:g}" for name, number in definition.thresholds.items()]
    parts += [
        "",
        "  Accept it: declare in a policy (--ato-policy) what the target needs; waive a finding by",
        "  its key, with reason, owner and expiry; or, without a policy,",
        f"  --ato-allow={definition.name}. Accepted findings stay in the report as conditions.",
    ]
    return "\n".join(parts)


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  ")


def _test(path: Path) -> int:
    from pytest_ato.rules.check import check
    from pytest_ato.rules.load import load

    failed = 0
    for checked in check(load(path)):
        rule = checked.rule
        examples = f"{len(rule.positive)} positive, {len(rule.negative)} negative"
        word = "FAIL" if checked.failures else "ok  "
        print(f"{word} {rule.id} {rule.name}: {examples}")
        for failure in checked.failures:
            print(f"       {failure}")
        failed += bool(checked.failures)
    return 1 if failed else 0


def _chosen(definitions: tuple[Definition, ...], word: str) -> Definition:
    for definition in definitions:
        if word.lower() in (definition.name, definition.rule.lower()):
            return definition
    raise UsageError(f"there is no detector {show(word, 60)}; `ato detectors list` has them all")


def _line(definition: Definition) -> str:
    return (
        f"{definition.rule:<13} {definition.name:<22} {definition.severity:<9} "
        f"{definition.category:<18} {sentence(definition.title)}"
    )


def _link(technique: str) -> str:
    return (
        f"  https://attack.mitre.org/techniques/{technique.replace('.', '/')}/" if technique else ""
    )
