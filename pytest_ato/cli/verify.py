"""`ato verify DIR|LOG`: is this evidence what was signed, and by whom?

Exit codes: 0 good, 1 bad, 2 could not check.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ato.cli import options
from pytest_ato.model.errors import UsageError, VerificationError

if TYPE_CHECKING:
    from pytest_ato.evidence.verification.trust import Keys, Trust
    from pytest_ato.model.report import Report

GOOD, BAD, COULD_NOT = 0, 1, 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what to verify and whom to believe."""
    parser.add_argument(
        "what",
        metavar="DIR|LOG",
        type=Path,
        help="the folder of a report or of an exported record, or a log",
    )
    parser.add_argument(
        "--key", metavar="PEM", type=Path, help="believe this public key (default: those pinned)"
    )
    parser.add_argument(
        "--integrity-only",
        action="store_true",
        help="check that nothing was changed since it was signed, and not by whom",
    )
    parser.add_argument(
        "--require-events",
        action="store_true",
        help="end with 2 unless the report could be recomputed from the raw events",
    )
    parser.add_argument(
        "--target", metavar="PATH", type=Path, help="the report must be about this program"
    )
    parser.add_argument(
        "--log",
        metavar="PATH",
        type=Path,
        help="the lasting log that must have it (default: evidence.log beside a report's folder)",
    )
    parser.add_argument(
        "--tsa", metavar="PEM", type=Path, help="certificate of the timestamp authority to believe"
    )
    options.add(parser, "policy", "baseline", "rules", "domain-list", "asn-list")
    parser.add_argument("-q", "--quiet", action="store_true", help="print one line")


def run(arguments: argparse.Namespace) -> int:
    """Verify and tell; returns the exit code."""
    name = str(arguments.what)
    try:
        notes = _verify(arguments)
    except VerificationError as error:
        print(f"{name}: bad: {error}")
        return BAD
    except UsageError as error:
        print(f"{name}: could not check: {error}", file=sys.stderr)
        return COULD_NOT
    print(f"{name}: good: {notes[0]}")
    for note in () if arguments.quiet else notes[1:]:
        print(f"  {note}")
    return GOOD


def alias() -> int:
    """Run as the program `verify-report`."""
    from pytest_ato.cli import main

    return main(["verify", *sys.argv[1:]])


def _verify(arguments: argparse.Namespace) -> list[str]:
    """Return notes, the one about the signer first."""
    from pytest_ato.evidence.verification.exported import is_exported, verify_exported
    from pytest_ato.evidence.verification.log import verify_log
    from pytest_ato.evidence.verification.trust import Keys

    trust = _trust(arguments)
    keys = Keys()
    if not arguments.what.is_dir():
        result = verify_log(arguments.what, keys)
        counted = f"records {result.start} to {result.size - 1}, {result.heads} signed heads"
        return [trust.judge(keys), counted, *result.notes]
    if is_exported(arguments.what):
        notes = list(verify_exported(arguments.what, arguments.log, keys))
        return [trust.judge(keys), *notes]
    return _verify_directory(arguments, trust, keys)


def _verify_directory(arguments: argparse.Namespace, trust: Trust, keys: Keys) -> list[str]:
    from pytest_ato.evidence.verification.directory import (
        EventsMissing,
        Question,
        verify_directory,
    )
    from pytest_ato.evidence.verification.files import read

    question = Question(
        recompute=lambda events, report: _recompute(arguments, events, report),
        require_events=arguments.require_events,
        log=arguments.log,
        target=arguments.target,
        authority=read(arguments.tsa) if arguments.tsa else None,
    )
    try:
        notes = verify_directory(arguments.what, question, keys)
    except EventsMissing:
        trust.judge(keys)  # by whom it was signed is the graver question
        raise
    return [trust.judge(keys), *notes]


def _trust(arguments: argparse.Namespace) -> Trust:
    from pytest_ato.evidence import pins
    from pytest_ato.evidence.keys import PublicKey
    from pytest_ato.evidence.verification.trust import Trust

    if arguments.key is not None:
        return Trust(key=PublicKey.read(arguments.key))
    return Trust(pins=pins.pinned(), integrity_only=arguments.integrity_only)


def _recompute(arguments: argparse.Namespace, events: Path, report: Report) -> str | None:
    """Examine the raw log again and compare; see `Question.recompute`."""
    from pytest_ato import __version__
    from pytest_ato.audit import Inputs, replay
    from pytest_ato.detectors import registry
    from pytest_ato.reports.json import JsonRenderer

    provenance = report.provenance
    if provenance.tool_version != __version__:
        return (
            f"the report was made by version {provenance.tool_version} and this is {__version__}: "
            "it was not recomputed"
        )
    settings = options.read(arguments)
    extra = settings.detectors()
    given = settings.inputs(registry.definitions(extra))
    inputs = Inputs.recorded(given.terms)
    again = replay(events, extra_detectors=extra, inputs=inputs).report
    if again.provenance.policy_sha256 != provenance.policy_sha256:
        return f"the report was made under {_policy(report)}: it was not recomputed"
    if again.provenance.baseline_sha256 != provenance.baseline_sha256:
        return f"the report was made against {_baseline(report)}: it was not recomputed"
    if again.provenance.lists != provenance.lists:
        return "the report was made with other lists of domains and networks: not recomputed"
    if again.provenance.detectors != provenance.detectors:
        return (
            "the report was made with other detectors (give rule files with --rules): "
            "it was not recomputed"
        )
    renderer = JsonRenderer()
    if renderer.render(again) != renderer.render(report):
        raise VerificationError("report.json is not what its raw events give")
    return None


def _policy(report: Report) -> str:
    if report.policy is None:
        return "no policy"
    return f"the policy {report.policy.name} (give it with --policy)"


def _baseline(report: Report) -> str:
    if report.baseline is None:
        return "no baseline"
    return f"the baseline {report.baseline.name} (give it with --baseline)"
