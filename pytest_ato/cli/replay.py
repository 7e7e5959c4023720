"""`ato replay events.jsonl`: the same findings from the same log, on any machine, without root."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_ato.cli import options, result
from pytest_ato.cli.screen import Screen
from pytest_ato.settings.table import ENRICH


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the log and the options that judge it."""
    parser.add_argument("log", metavar="LOG", type=Path, help="events.jsonl of an audit")
    parser.add_argument("-q", "--quiet", action="store_true", help="print one line, the verdict")
    parser.add_argument(
        "-o", dest="to", metavar="DIR", type=Path, help="write log and report below DIR"
    )
    options.add(parser, "policy", "baseline", "rules", "fail-on", "allow-inconclusive")
    options.add(parser, "domain-list", "asn-list")
    parser.add_argument(
        "--enrich",
        dest="ato_enrich",
        nargs="?",
        const="dns",
        default="off",
        choices=ENRICH,
        help="ask again where destinations are (default: the log's own answers are used)",
    )
    options.add(parser, "resolver", "asn-table")


def run(arguments: argparse.Namespace) -> int:
    """Examine and tell; returns the exit code. Raises `AtoError` for what is no event log."""
    from pytest_ato.audit import replay
    from pytest_ato.detectors import registry

    given = options.read(arguments)
    extra = given.detectors()
    inputs = given.inputs(registry.definitions(extra))
    screen = Screen(quiet=arguments.quiet)
    try:
        outcome = replay(
            arguments.log,
            report_dir=arguments.to,
            extra_detectors=extra,
            inputs=inputs,
            progress=screen.progress,
        )
    finally:
        screen.clear()
    return result.tell(outcome, given.under(inputs.terms.policy), screen)
