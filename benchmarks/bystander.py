"""What a call costs that nobody traces: in the target, in other processes, and afterwards."""

from __future__ import annotations

from measure import Sample, alternate
from peers import BPFTRACE_OPENS
from programs import ATO, SLEEP, WITH_TRACEFS, Place, audit, run, running, wait_for_sleep
from results import Figure, Goal, Row

CALLS = 2_000_000
ROUNDS = 9
GOAL = 1.05
"""Within what two runs of the same differ by."""


def figure(place: Place) -> Figure:
    """Nanoseconds for a getppid, the cheapest of system calls, so the tax shows at its largest."""
    options = ("--network=none", "--timeout=600", f"--report-dir={place.path / 'bystander'}")
    command = (ATO, "run", *options, SLEEP[0], "--", *SLEEP[1:])
    peer = (*WITH_TRACEFS, "bpftrace", "-e", BPFTRACE_OPENS, "-c", " ".join(SLEEP))
    after: list[float] = []

    def during(*command: str) -> float:
        with running(*command):
            wait_for_sleep()
            return _each(place)

    def audited() -> float:
        found = during(*command)
        after.append(_each(place))
        return found

    found = alternate(
        {
            "nothing": lambda: _each(place),
            "audit": audited,
            "target": lambda: float(audit(place, "getppid", CALLS).stdout()) / CALLS * 1e9,
            "bpftrace": lambda: during(*peer),
        },
        ROUNDS,
    )
    found["after"] = Sample(tuple(after[1:]))  # without the round that warms up
    words = {
        "nothing": "no tracer",
        "target": "in the target of an audit",
        "audit": "in another process while an audit is live",
        "after": "in another process right after the audit",
        "bpftrace": "in another process while bpftrace traces opens",
    }
    rows = [
        Row(
            case=words[case],
            value=found[case],
            unit="ns",
            ratio=found[case].over(found["nothing"]) if case != "nothing" else None,
            against="no tracer",
        )
        for case in words
    ]
    left = found["after"].over(found["nothing"]).median
    goal = Goal(text=f"nothing is left after an audit: at most {GOAL:g} times", met=left <= GOAL)
    title = f"A call that nobody traces: getppid, {CALLS:,} times"
    return Figure(name="bystander", title=title, rows=rows, goals=[goal])


def _each(place: Place) -> float:
    return float(run((place.target("getppid"), str(CALLS)), place)) / CALLS * 1e9
