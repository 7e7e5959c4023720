"""How the run ended, as a sentence, and the best verdict that such a run allows.

Owns the wording of an end and the ceilings: a target that stopped early, or had to be stopped,
showed only a part of what it does, and a loader that cannot see everything showed only a part of
what it did. What makes an audit INCONCLUSIVE is in `wholeness`.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_ato.model.events import End, Start
from pytest_ato.model.octets import show
from pytest_ato.model.spec import AuditSpec
from pytest_ato.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The best verdict that is left, and why."""

    best: Verdict
    sentence: str


def ceilings(
    end: End | None, spec: AuditSpec | None, start: Start | None = None
) -> tuple[Ceiling, ...]:
    """Return the ceilings on the verdict of a run that began and ended so; none without its
    records."""
    seen = () if start is None else tuple(_seen(start))
    ended = () if end is None or spec is None else tuple(_ended(end, spec))
    return seen + ended


def _seen(start: Start) -> Iterator[Ceiling]:
    blind = sorted(name for name, state in start.probes.items() if state == "not captured")
    if blind:
        what = "; ".join(start.unseen) or f"what these probes would: {', '.join(blind)}"
        sentence = f"captured by the {start.loader} loader, which does not see {what}"
        yield Ceiling(Verdict.CONDITIONS, sentence)


def _ended(end: End, spec: AuditSpec) -> Iterator[Ceiling]:
    if end.ended in ("exit", "signal") and not _expected(end, spec):
        yield Ceiling(Verdict.CONDITIONS, f"{how_it_ended(end)}: only that much was audited")
    if end.ended == "timeout" or end.survivors:
        if spec.service:
            window = f"the observed window of {duration(end.run_ms)} is a condition"
            yield Ceiling(Verdict.CONDITIONS, window)
        else:
            alive = _alive(end)
            yield Ceiling(Verdict.REVIEW, f"{alive}: what it does later was not audited")
    if end.limits_hit:
        limits = ", ".join(sorted(end.limits_hit))
        sentence = f"the target ran into limits of the sandbox ({limits}): more may follow beyond"
        yield Ceiling(Verdict.CONDITIONS, sentence)


def _expected(end: End, spec: AuditSpec) -> bool:
    """Whether the target ended well, or as the user said; a signal counts as 128 + its number,
    as a shell reports it."""
    status = 128 + end.status if end.ended == "signal" else end.status
    return status in (0, spec.expect_exit)


def _alive(end: End) -> str:
    if end.ended == "timeout":
        return how_it_ended(end)
    names = ", ".join(sorted({show(name, 40) for name in end.survivors})[:5])
    return f"{how_it_ended(end)} and left processes running ({names})"


def how_it_ended(end: End | None) -> str:
    """Return one sentence without a full stop, such as "the target exited 2 after 3 ms"."""
    if end is None:
        return "how the target ended is not known"
    after = f"after {duration(end.run_ms)}"
    match end.ended:
        case "exit":
            return f"the target exited {end.status} {after}"
        case "signal":
            return f"the target was killed by {_signal_name(end.status)} {after}"
        case "timeout":
            return f"the target was still running {after}"
        case "limit":
            return f"the target was stopped by a limit of the sandbox {after}"
        case "not_started":
            return "the target was not started"
        case "interrupted":
            return f"the audit was interrupted {after}"


def duration(ms: float) -> str:
    """Write a duration in milliseconds for a person: ``3 ms``, ``1.5 s``, ``60 s``."""
    if ms < 1_000:
        return f"{ms:.0f} ms"
    return f"{ms / 1_000:.1f} s" if ms < 9_950 else f"{ms / 1_000:.0f} s"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
