"""Whether the capture was whole, and if not, why: the promise under every verdict.

Owns each reason for which an audit is INCONCLUSIVE. A fact that is missing counts against the
capture, never for it: a log without proof that nothing was lost proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_ato.analysis import Facts
from pytest_ato.model.events import Counters, End, Start


def gaps(facts: Facts, failures: Iterable[str] = ()) -> tuple[str, ...]:
    """Return why the capture or its analysis was not whole, a sentence each; empty if it was.

    `failures` are sentences about detectors that broke: their silence proves nothing.
    """
    return tuple(dict.fromkeys(_gaps(facts, failures)))


def _gaps(facts: Facts, failures: Iterable[str]) -> Iterator[str]:
    for sentence in facts.disorder:
        yield f"the event log is not in order: {sentence}"
    if facts.audit is None:
        yield "the event log has no audit record: what was to be audited is not known"
    yield from _start_gaps(facts.start, facts.end)
    yield from _end_gaps(facts.end)
    if facts.start is not None and not facts.executed and not _not_started(facts.end):
        yield "the target was never executed"
    for source, reason, count in facts.lost:
        times = "" if count == 1 else f" ({count} times)"
        yield f"{source}: {reason}{times}"
    yield from failures


def _not_started(end: End | None) -> bool:
    return end is not None and end.ended == "not_started"


def _start_gaps(start: Start | None, end: End | None) -> Iterator[str]:
    if start is None:
        if not _not_started(end):
            yield "the event log has no start record: nothing proves that the capture was live"
        return
    for name, state in sorted(start.probes.items()):
        if state == "silent":
            yield f"the probe {name} was attached but stayed silent when it was tested"
        elif state != "live" and name in start.required:
            yield f"the required probe {name} is {state}"
    for name in sorted(set(start.required) - start.probes.keys()):
        yield f"the required probe {name} is missing"
    if "live" not in start.probes.values():
        yield "no probe was proven live"


def _end_gaps(end: End | None) -> Iterator[str]:
    if end is None:
        yield "the event log has no end record: the capture broke off"
        return
    why = f": {end.reason}" if end.reason else ""
    if end.ended == "not_started":
        yield f"the target was not started{why}"
    elif end.ended == "interrupted":
        yield f"the audit was interrupted{why}"
    elif end.ended == "limit":
        yield f"the target was stopped by a limit of the sandbox{why}"
    if not end.counters and end.ended != "not_started":
        yield "the capture gave no counts: nothing proves that no event was lost"
    for name, counters in sorted(end.counters.items()):
        yield from _counter_gaps(name, counters)
    # After the counts: a test call may be among what was lost.
    for name, when in sorted(end.silent.items()):
        yield f"the probe {name} did not see the sandbox's own test call {when}"


def _counter_gaps(name: str, counters: Counters) -> Iterator[str]:
    if counters.lost:
        yield f"{counters.lost} of {counters.produced} {name} events were lost"
    if counters.unread:
        yield f"{counters.unread} {name} events lack a value that could not be read"
    accounted = counters.consumed + counters.lost + counters.coalesced
    if counters.produced != accounted:
        yield f"the {name} counts disagree: {counters.produced} events produced, {accounted} seen"
