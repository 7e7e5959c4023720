"""The answer of an audit, its order, and the gate on it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

from pytest_ato.model.findings import Severity


class Verdict(StrEnum):
    """What to do with the target, best first; INCONCLUSIVE is outside the order."""

    APPROVE = "APPROVE"
    CONDITIONS = "APPROVE WITH CONDITIONS"
    REVIEW = "REVIEW"
    REJECT = "REJECT"
    INCONCLUSIVE = "INCONCLUSIVE"


FailOn = Literal["reject", "review", "conditions"]

FAILING_SEVERITY: Final[dict[FailOn, Severity]] = {
    "reject": Severity.HIGH,
    "review": Severity.MEDIUM,
    "conditions": Severity.LOW,
}
"""The least severity that leads to the verdict of `--ato-fail-on`."""

_FAILING: Final[dict[FailOn, frozenset[Verdict]]] = {
    "reject": frozenset({Verdict.REJECT}),
    "review": frozenset({Verdict.REJECT, Verdict.REVIEW}),
    "conditions": frozenset({Verdict.REJECT, Verdict.REVIEW, Verdict.CONDITIONS}),
}


def fails(verdict: Verdict, fail_on: FailOn, allow_inconclusive: bool = False) -> bool:
    """Whether the gate is shut: INCONCLUSIVE shuts it unless that was explicitly allowed."""
    if verdict is Verdict.INCONCLUSIVE:
        return not allow_inconclusive
    return verdict in _FAILING[fail_on]
