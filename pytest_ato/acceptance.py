"""What would accept a result: the options with which the same audit passes the gate.

Both faces end a failure with them. It proposes and decides nothing; each option that it names is
one that a person has to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from pytest_ato.model.verdict import FAILING_SEVERITY, Verdict, fails

if TYPE_CHECKING:
    from pytest_ato.model.findings import Finding
    from pytest_ato.model.report import Report
    from pytest_ato.model.verdict import FailOn
    from pytest_ato.policy.verdict import Judgement


DRIFT: Final = "vendor_drift"
"""The detector whose findings a new baseline accepts."""


def failing(findings: Iterable[Finding], fail_on: FailOn) -> tuple[Finding, ...]:
    """Findings that are as severe as `fail_on`'s verdict asks for."""
    least = FAILING_SEVERITY[fail_on].rank
    return tuple(finding for finding in findings if finding.severity.rank >= least)


def allowing(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Options, without prefix, that accept these findings: ``allow=beaconing``; what differs from a
    baseline is accepted by a new one."""
    names = dict.fromkeys(found.detector for found in findings)
    return tuple("update-baseline" if name == DRIFT else f"allow={name}" for name in names)


def accepting(
    report: Report, judgement: Judgement, fail_on: FailOn, allow_inconclusive: bool = False
) -> tuple[str, ...]:
    """Options, without prefix, with which this audit passes; empty where it does already."""
    if not fails(judgement.verdict, fail_on, allow_inconclusive):
        return ()
    return tuple(_accepting(report, judgement, fail_on))


def _accepting(report: Report, judgement: Judgement, fail_on: FailOn) -> Iterator[str]:
    if judgement.verdict is Verdict.INCONCLUSIVE:
        yield "allow-inconclusive"
        return
    allowed = failing(judgement.findings, fail_on)
    yield from allowing(allowed)
    unfinished = report.ended.how == "timeout" or bool(report.summary.survivors)
    if unfinished and fail_on != "reject":
        yield "service"
    if not judgement.conclusive:
        yield "allow-inconclusive"  # a REJECT stood without a whole capture; the rest would not
    if fail_on != "conditions":
        return
    odd_end = report.ended.how == "exit" and report.ended.status != 0
    only_odd_end = odd_end and not (allowed or judgement.waived or unfinished)
    if only_odd_end and not report.summary.limits_hit:
        yield f"expect-exit={report.ended.status}"
    else:
        yield "fail-on=review"  # what is accepted stays a condition
