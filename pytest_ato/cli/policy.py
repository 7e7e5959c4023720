"""`ato policy check|suggest|schema`: is a policy right, what would one be, what may it say."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ato import wording
from pytest_ato.cli import options
from pytest_ato.cli.screen import Screen
from pytest_ato.model.octets import show

if TYPE_CHECKING:
    from pytest_ato.model.policy import Policy

GOOD, FINDINGS = 0, 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the three actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="read a policy and say what it holds")
    check.add_argument("file", metavar="FILE", type=Path)
    text = "write a policy that declares what a good run did, each entry with what was seen"
    suggest = actions.add_parser("suggest", help=text)
    suggest.add_argument("log", metavar="LOG", type=Path, help="events.jsonl of an audit")
    suggest.add_argument(
        "-o", dest="to", metavar="FILE", type=Path, help="write to FILE, which must not exist yet"
    )
    for action in (check, suggest):
        options.add(action, "rules")
    actions.add_parser("schema", help="print the JSON schema of a policy, for editors")


def run(arguments: argparse.Namespace) -> int:
    """Do it and tell. Raises `AtoError`."""
    if arguments.action == "schema":
        from pytest_ato.policy.schema import schema

        print(schema(), end="")
        return GOOD
    if arguments.action == "check":
        return _check(arguments)
    return _suggest(arguments)


def _check(arguments: argparse.Namespace) -> int:
    from pytest_ato.detectors import registry
    from pytest_ato.policy import decode

    path: Path = arguments.file
    terms = decode.load(path)
    decode.check_names(terms, registry.definitions(options.read(arguments).detectors()))
    Screen().lines([f"{show(str(path))}: good", *_contents(terms.policy)])
    return GOOD


def _contents(policy: Policy) -> Iterator[str]:
    if policy.declared is None:
        yield "  declared: nothing, so undeclared does not run"
    else:
        for kind in ("domains", "cidrs", "ports", "files", "children"):
            entries = getattr(policy.declared, kind)
            count = "not stated, so not judged" if entries is None else f"{len(entries)} declared"
            yield f"  {kind}: {count}"
    yield f"  {len(policy.allow)} allowed, {len(policy.waivers)} waived"
    for waiver in policy.waivers:
        about = waiver.finding or f"{waiver.detector} at {waiver.scope}"
        yield f"    until {waiver.expires}: {show(about)} (owner: {show(waiver.owner, 60)})"


def _suggest(arguments: argparse.Namespace) -> int:
    """Write the suggestion; returns 1 if the run had findings that no declaration covers."""
    from pytest_ato.detectors import registry
    from pytest_ato.model.errors import UsageError
    from pytest_ato.policy import decode
    from pytest_ato.policy.observe import observe
    from pytest_ato.policy.suggest import suggest, uncovered

    detectors = registry.load(options.read(arguments).detectors())
    text = suggest(observe(arguments.log, detectors))
    terms = decode.loads(text)
    rest = uncovered(observe(arguments.log, detectors, terms).findings)
    to: Path | None = arguments.to
    if to is None:
        print(text, end="")
    else:
        try:
            with to.open("x") as file:
                file.write(text)
        except OSError as error:
            raise UsageError(f"cannot write {show(str(to))}: {error.strerror}") from None
    if rest:
        lines = ["this was no good run, no declaration covers:", *wording.findings_text(rest)]
        print("\n".join(lines), file=sys.stderr)
        return FINDINGS
    return GOOD
