"""How a command tells an audit's result, and the exit code that follows from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pytest_ato import acceptance, wording
from pytest_ato.model.verdict import Verdict, fails
from pytest_ato.reports import github
from pytest_ato.reports.terminal import summary_lines
from pytest_ato.settings.signing import must_sign

if TYPE_CHECKING:
    from pytest_ato.audit import Outcome
    from pytest_ato.cli.screen import Screen
    from pytest_ato.policy.verdict import Judgement
    from pytest_ato.settings.settings import Settings

PASSED, FINDINGS, UNSIGNED, INCONCLUSIVE = 0, 1, 2, 3


def exit_code(outcome: Outcome, judgement: Judgement, settings: Settings) -> int:
    """0 passed, 1 findings, 2 not signed although it must be, 3 INCONCLUSIVE."""
    if outcome.unsigned and must_sign(settings):
        return UNSIGNED
    return verdict_code(judgement.verdict, settings)


def verdict_code(verdict: Verdict, settings: Settings) -> int:
    """0 passed, 1 findings, 3 INCONCLUSIVE."""
    if not fails(verdict, settings.fail_on, settings.allow_inconclusive):
        return PASSED
    return INCONCLUSIVE if verdict is Verdict.INCONCLUSIVE else FINDINGS


def worst(codes: Iterable[int]) -> int:
    """The exit code of several audits: findings before what is not signed or INCONCLUSIVE."""
    return max(codes, key=(PASSED, INCONCLUSIVE, UNSIGNED, FINDINGS).index)


def tell(
    outcome: Outcome,
    settings: Settings,
    screen: Screen,
    command_with: Callable[[Iterable[str]], str] | None = None,
) -> int:
    """Print verdict, findings and where the report lies; return the exit code.

    With `command_with`, which writes the command with more options, also what would accept it.
    """
    report = outcome.report
    judgement = outcome.judged(())
    where = wording.short_path(outcome.directory)
    if outcome.unsigned:
        print(f"ato: {wording.unsigned(outcome.unsigned)}", file=sys.stderr)
    if screen.quiet:
        brief = f"{report.target.name}: {judgement.verdict}: {judgement.reason}"
        screen.lines([brief, *github.publish([report], os.environ)])
        return exit_code(outcome, judgement, settings)
    lines = summary_lines(report, screen.width, screen.color, where)
    lines += wording.waivers([report])
    if judgement.findings:
        lines += ["", *wording.findings_text(judgement.findings)]
    options = acceptance.accepting(report, judgement, settings.fail_on, settings.allow_inconclusive)
    if options and command_with is not None:
        lines += ["", f"accept it with: {command_with(f'--{option}' for option in options)}"]
    screen.lines([*lines, *github.publish([report], os.environ)])
    return exit_code(outcome, judgement, settings)
