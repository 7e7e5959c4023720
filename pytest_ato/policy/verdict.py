"""The verdict: what the findings, the wholeness of the capture and the end of the run amount to.

Owns the rules and their order. Pure: it reads no clock and no file. Sentences may quote the target
(titles of findings, reasons that capture gave): whoever shows them masks and escapes them first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from pytest_ato.analysis import Facts
from pytest_ato.model.errors import UsageError
from pytest_ato.model.findings import Category, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.policy import Declared, Policy
from pytest_ato.model.report import WaiverUse
from pytest_ato.model.spec import AuditSpec
from pytest_ato.model.verdict import Verdict
from pytest_ato.policy.ceilings import Ceiling, ceilings
from pytest_ato.policy.waivers import Acceptance, day_of
from pytest_ato.policy.wholeness import gaps

_VERDICT_OF: Final = {
    Severity.CRITICAL: Verdict.REJECT,
    Severity.HIGH: Verdict.REJECT,
    Severity.MEDIUM: Verdict.REVIEW,
    Severity.LOW: Verdict.CONDITIONS,
}
_WORSE: Final = (Verdict.APPROVE, Verdict.CONDITIONS, Verdict.REVIEW, Verdict.REJECT)
_NAMED: Final = 5
"""Detectors that the reason names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict on one audit, and all that it rests on."""

    verdict: Verdict
    conclusive: bool
    """The capture was whole; a REJECT can stand without it."""
    reason: str
    """One sentence why the verdict is what it is."""
    inconclusive: tuple[str, ...]
    """Why the capture was not whole, a sentence each."""
    conditions: tuple[str, ...]
    """What an approval depends on, a sentence each."""
    findings: tuple[Finding, ...]
    """Those that count (low and above), worst first."""
    waived: tuple[Finding, ...]
    """Those that were accepted, with `waived_by` set, worst first."""
    notes: tuple[Finding, ...]
    """Those of severity info: without weight."""
    waivers: tuple[WaiverUse, ...] = ()
    """What became of each waiver of the policy."""


def judge(
    findings: Iterable[Finding],
    facts: Facts,
    *,
    failures: Iterable[str] = (),
    accepted: Mapping[str, str] | None = None,
    policy: Policy | None = None,
) -> Judgement:
    """Judge one audit by `findings` and `facts`, under `policy`.

    `failures` are sentences about detectors that broke. `accepted` maps a detector's or category's
    name to who accepts its findings, beyond those that the audit's own spec allows; a name that
    matches nothing changes nothing (`check_names` refuses wrong ones when they are given).
    """
    policy = policy or Policy()
    acceptance = _acceptance(facts, policy, accepted or {})
    live, waived, notes = _sort(findings, acceptance)
    spec = _under(facts.audit.spec, policy.declared) if facts.audit else None
    limits = ceilings(facts.end, spec, facts.start)
    missing = gaps(facts, failures)
    verdict = _verdict(live, waived, limits)
    if missing and verdict is not Verdict.REJECT:
        verdict = Verdict.INCONCLUSIVE
    conditions = _conditions(live, waived, limits)
    return Judgement(
        verdict=verdict,
        conclusive=not missing,
        reason=_reason(verdict, live, limits, missing, conditions),
        inconclusive=missing,
        conditions=conditions,
        findings=live,
        waived=waived,
        notes=notes,
        waivers=acceptance.waivers,
    )


def check_names(names: Iterable[str], detectors: Collection[str]) -> None:
    """Raise `UsageError` if one of `names` is neither a category nor one of `detectors`."""
    known = sorted({*detectors, *Category})
    for name in names:
        if name not in known:
            listed = ", ".join(known)
            raise UsageError(
                f"no detector or category is named {show(name, 60)!r}; known are: {listed}"
            )


def _acceptance(facts: Facts, policy: Policy, accepted: Mapping[str, str]) -> Acceptance:
    audit = facts.audit
    names = {name: f"allowed by name: {name}" for name in (audit.spec.allow if audit else ())}
    day = day_of(audit.started) if audit else None
    home = facts.start.home if facts.start else ""
    return Acceptance(policy, {**names, **accepted}, day, home)


def _under(spec: AuditSpec, declared: Declared | None) -> AuditSpec:
    """The order with what the policy declares about how the target ends."""
    if declared is None:
        return spec
    return replace(
        spec,
        service=spec.service or declared.service,
        expect_exit=spec.expect_exit or declared.exit_status or 0,
    )


def _sort(
    findings: Iterable[Finding], acceptance: Acceptance
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], tuple[Finding, ...]]:
    """Split `findings` into those that count, the accepted ones and the notes, worst first."""
    live: list[Finding] = []
    waived: list[Finding] = []
    notes: list[Finding] = []
    for finding in sorted(findings, key=lambda finding: -finding.severity.rank):
        by = acceptance.by(finding)
        if finding.severity is Severity.INFO:
            notes.append(finding)
        elif by:
            waived.append(replace(finding, waived_by=by))
        else:
            live.append(finding)
    return tuple(live), tuple(waived), tuple(notes)


def _verdict(
    live: Iterable[Finding], waived: Sequence[Finding], limits: Iterable[Ceiling]
) -> Verdict:
    reached = [Verdict.APPROVE, *(_VERDICT_OF[finding.severity] for finding in live)]
    reached += [ceiling.best for ceiling in limits]
    if waived:
        reached.append(Verdict.CONDITIONS)
    return max(reached, key=_WORSE.index)


def _conditions(
    live: Iterable[Finding], waived: Iterable[Finding], limits: Iterable[Ceiling]
) -> tuple[str, ...]:
    sentences = [ceiling.sentence for ceiling in limits if ceiling.best is Verdict.CONDITIONS]
    sentences += [f"low: {found.title}" for found in live if found.severity is Severity.LOW]
    sentences += [f"accepted ({found.waived_by}): {found.title}" for found in waived]
    return tuple(dict.fromkeys(sentences))


def _reason(
    verdict: Verdict,
    live: Sequence[Finding],
    limits: Iterable[Ceiling],
    missing: Sequence[str],
    conditions: Sequence[str],
) -> str:
    if verdict is Verdict.APPROVE:
        return "the capture was whole, and no detector found anything that counts"
    if verdict is Verdict.INCONCLUSIVE:
        return _first_of(missing, "reason")
    if verdict is Verdict.CONDITIONS:
        return _first_of(conditions, "condition")
    causes = [finding for finding in live if _VERDICT_OF[finding.severity] is verdict]
    reasons = [_counted(causes)] if causes else []
    reasons += [ceiling.sentence for ceiling in limits if ceiling.best is verdict]
    if missing:
        reasons.append("the capture was not whole, so there may be more")
    return "; ".join(reasons)


def _first_of(sentences: Sequence[str], noun: str) -> str:
    more = len(sentences) - 1
    if not more:
        return sentences[0]
    return f"{sentences[0]} (and {more} more {noun}{'s' if more > 1 else ''})"


def _counted(findings: Sequence[Finding]) -> str:
    """Write such as ``2 critical and 1 high finding: honeytoken_exfil, reverse_shell``."""
    counts = Counter(finding.severity for finding in findings)
    parts = " and ".join(f"{count} {severity}" for severity, count in counts.items())
    names = list(dict.fromkeys(finding.detector for finding in findings))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    plural = "s" if len(findings) > 1 else ""
    return f"{parts} finding{plural}: {', '.join(names[:_NAMED])}{more}"
