"""`ato run PROG -- args`: an audit, told on the terminal, judged by the exit code.

Of a package with phases, an audit of each; the worst of them decides.
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_ato.cli import options, result
from pytest_ato.cli.screen import Screen

if TYPE_CHECKING:
    from pytest_ato.audit import Outcome
    from pytest_ato.settings.settings import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the program and the options of the table."""
    parser.usage = "ato run [options] PROG [-- ARGS...]"
    parser.add_argument(
        "program",
        metavar="PROG",
        help="an ELF file, a script with #!, a directory, an archive, a package, an image, or "
        "image:NAME",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print one line, the verdict")
    options.add(parser)


def parse(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    """Parse the words before ``--``; those after it are the target's, whatever they look like."""
    cut = words.index("--") if "--" in words else len(words)
    arguments = parser.parse_args(words[:cut])
    arguments.words = words[:cut]
    arguments.args = words[cut + 1 :]
    return arguments


def run(arguments: argparse.Namespace) -> int:
    """Audit and tell; returns the exit code. Raises `AtoError` for what cannot be run."""
    from pytest_ato.audit import Auditor
    from pytest_ato.detectors import registry
    from pytest_ato.policy.verdict import check_names
    from pytest_ato.settings import signing
    from pytest_ato.target import resolve_all

    given = dataclasses.replace(options.read(arguments), args=tuple(arguments.args))
    extra = given.detectors()
    definitions = registry.definitions(extra)
    check_names(given.allow, [definition.name for definition in definitions])
    inputs = given.inputs(definitions)
    settings = given.under(inputs.terms.policy)
    signing.check(settings)
    targets = resolve_all(arguments.program, settings.include, entry=settings.entry)
    audit = settings.options()
    codes = []
    screen = Screen(quiet=arguments.quiet)
    try:
        with Auditor(
            report_dir=settings.report_dir,
            runtime=settings.runtime,
            loader=settings.loader,
            image=settings.image,
            sealer=signing.sealer(settings),
            extra_detectors=extra,
            progress=screen.progress,
            inputs=inputs,
        ) as auditor:
            for number, target in enumerate(targets):
                outcome = auditor.audit(target, audit.of_phase(target.phase))
                screen.lines([""] if number and not arguments.quiet else [])
                codes.append(_tell(arguments, settings, screen, outcome))
    finally:
        screen.clear()
    return result.worst(codes)


def _tell(
    arguments: argparse.Namespace, settings: Settings, screen: Screen, outcome: Outcome
) -> int:
    """Count an audit, keep its baseline, and tell it; returns its exit code."""
    from pytest_ato.audit import update_baseline

    if settings.metrics:
        from pytest_ato.metrics import count

        count.audit(settings.metrics, outcome.report)
    if settings.update_baseline and settings.baseline:
        screen.lines([update_baseline(settings.baseline, outcome)])
    return result.tell(outcome, settings, screen, lambda flags: _command(arguments, flags))


def _command(arguments: argparse.Namespace, flags: Iterable[str]) -> str:
    """This command with more options, to be copied into a shell."""
    words: list[str] = arguments.words
    tail: list[str] = ["--", *arguments.args] if arguments.args else []
    return shlex.join(["ato", "run", *words, *flags, *tail])
