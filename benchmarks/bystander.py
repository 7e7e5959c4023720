"""What a process pays that has nothing to do with the audit."""

from __future__ import annotations

import time
from pathlib import Path

from measure import Sample, alternate
from programs import ATO, BPFTRACE_OPENS, WITH_TRACEFS, Place, run, running
from results import Figure, Row

CALLS = 2_000_000
ROUNDS = 9
SLEEP = "600.25"
"""An argument that tells our target from any other sleep."""
START = 20.0
"""Seconds that a tracer may take to start it."""


def figure(place: Place) -> Figure:
    """Nanoseconds for a getppid, the cheapest of system calls, so the tax shows at its largest."""
    options = ("--network=none", "--timeout=600", f"--report-dir={place.path / 'bystander'}")
    audit = (ATO, "run", *options, "/bin/sleep", "--", SLEEP)
    peer = (*WITH_TRACEFS, "bpftrace", "-e", BPFTRACE_OPENS, "-c", f"/bin/sleep {SLEEP}")
    after: list[float] = []

    def during(*command: str) -> float:
        with running(*command):
            _wait_for_sleep()
            return _each(place)

    def audited() -> float:
        found = during(*audit)
        after.append(_each(place))
        return found

    found = alternate(
        {
            "nothing": lambda: _each(place),
            "audit": audited,
            "bpftrace": lambda: during(*peer),
        },
        ROUNDS,
    )
    found["after"] = Sample(tuple(after[1:]))  # without the round that warms up
    words = {
        "nothing": "no tracer",
        "audit": "while an audit is live",
        "after": "right after an audit",
        "bpftrace": "while bpftrace traces opens of another process",
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
    title = f"A process that is not audited: getppid, {CALLS:,} times"
    return Figure(name="bystander", title=title, rows=rows)


def _each(place: Place) -> float:
    return float(run((place.target("getppid"), str(CALLS)), place)) / CALLS * 1e9


def _wait_for_sleep() -> None:
    """Return once the traced program runs; every probe is attached before."""
    until = time.monotonic() + START
    while not any(map(_is_sleep, Path("/proc").glob("[0-9]*/cmdline"))):
        if time.monotonic() > until:
            raise RuntimeError(f"no tracer started its target within {START:g} s")
        time.sleep(0.02)


def _is_sleep(file: Path) -> bool:
    try:
        words = file.read_bytes().split(b"\0")
    except OSError:  # it ended
        return False
    return words[0].endswith(b"sleep") and words[1:2] == [SLEEP.encode()]
