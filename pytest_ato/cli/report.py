"""`ato report events.jsonl`: the forms of a report from a recorded audit, without root."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_ato.cli import options
from pytest_ato.cli.screen import Screen
from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show

_ALL = "json,md,html,junit,sarif"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the log, the formats, and what the audit is judged by."""
    parser.add_argument("log", metavar="LOG", type=Path, help="events.jsonl of an audit")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not name what was written")
    parser.add_argument(
        "--format", default=_ALL, metavar="NAMES", help=f"some of {_ALL} (default: all of them)"
    )
    parser.add_argument(
        "-o",
        dest="to",
        metavar="DIR",
        type=Path,
        default=Path(),
        help="write into DIR (default: .)",
    )
    options.add(parser, "policy", "baseline", "rules", "domain-list", "asn-list")


def run(arguments: argparse.Namespace) -> int:
    """Render and name the files; returns 0. Raises `AtoError` for what can't be read or written."""
    from pytest_ato.audit import replay
    from pytest_ato.detectors import registry
    from pytest_ato.reports.registry import renderer
    from pytest_ato.reports.write import put_with_digest

    screen = Screen(quiet=arguments.quiet)
    wanted = [renderer(name.strip()) for name in arguments.format.split(",")]
    place: Path = arguments.to
    given = options.read(arguments)
    extra = given.detectors()
    inputs = given.inputs(registry.definitions(extra))
    screen.progress(f"examining {show(arguments.log.name, 60)}")
    written: list[Path] = []
    try:
        outcome = replay(
            arguments.log, extra_detectors=extra, inputs=inputs, progress=screen.progress
        )
        report = outcome.report
        _make(place)
        for number, each in enumerate(wanted, 1):
            screen.progress(f"writing {each.file_name} ({number} of {len(wanted)})")
            written.append(place / each.file_name)
            put_with_digest(written[-1], each.render(report))
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(
            f"cannot write the report to {show(str(place), 300)}: {reason}; "
            "give another place with -o"
        ) from None
    finally:
        screen.clear()
    if not screen.quiet:
        screen.lines(show(str(path), 300) for path in written)
    return 0


def _make(place: Path) -> None:
    if place.is_symlink():
        raise UsageError(f"{show(str(place), 300)} is a link; give another place with -o")
    place.mkdir(parents=True, exist_ok=True)
