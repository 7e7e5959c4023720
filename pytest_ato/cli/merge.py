"""`ato merge DIR... -o OUT`: many finished audits as one report, one JUnit, one SARIF, one log.

Exit codes are those of `ato run`, by the worst of the verdicts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_ato.cli import options
from pytest_ato.cli.screen import Screen
from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what is merged, where to, and who signs."""
    parser.add_argument(
        "places",
        metavar="DIR",
        nargs="+",
        type=Path,
        help="a directory of one audit, or one that has several below it",
    )
    parser.add_argument(
        "-o", dest="to", metavar="OUT", type=Path, required=True, help="write into this directory"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print one line")
    options.add(parser, "fail-on", "allow-inconclusive", "sign", "require-hsm", "batch")


def run(arguments: argparse.Namespace) -> int:
    """Merge and tell; returns the exit code. Raises `AtoError`."""
    from pytest_ato.cli import result
    from pytest_ato.evidence import names, signers
    from pytest_ato.evidence.log.writer import EvidenceLog
    from pytest_ato.reports import merge
    from pytest_ato.reports.write import put_all
    from pytest_ato.settings import signing

    settings = options.read(arguments)
    signing.check(settings)
    place: Path = arguments.to
    if place.is_symlink():
        raise UsageError(f"{show(str(place), 300)} is a link; give another place with -o")
    screen = Screen(quiet=arguments.quiet)
    screen.progress("reading reports")
    audits = merge.read(arguments.places)
    try:
        place.mkdir(parents=True, exist_ok=True)
        put_all(merge.documents(audits), place)
        if settings.sign != signers.NONE:
            with (
                signers.open_signer(settings.sign) as signer,
                EvidenceLog(place / names.LOG, signer, batch=settings.batch, option="-o") as log,
            ):
                log.append([audit.evidence for audit in audits])
    except OSError as error:
        raise UsageError(
            f"cannot write to {show(str(place), 300)}: {error.strerror or error}; "
            "give another place with -o"
        ) from None
    finally:
        screen.clear()
    told = [f"{audit.report.verdict.value}: {audit.name}" for audit in audits]
    first = f"{len(audits)} audits, the worst is {told[0]}"
    screen.lines([first, *([] if screen.quiet else told)])
    codes = [result.verdict_code(audit.report.verdict, settings) for audit in audits]
    return next((code for code in codes if code), result.PASSED)
