"""From the last event to the report on disk."""

from __future__ import annotations

import time
from functools import partial

from measure import alternate, seconds
from peers import strace
from programs import Audited, Place, audit
from results import Figure, Goal, Row

GOALS = {1_000: 0.3, 100_000: 1.0, 1_000_000: 5.0}
WHOLE = 100_000
ROUNDS = 9
PEER = 20_000


def figure(place: Place, counts: tuple[int, ...] = tuple(GOALS)) -> Figure:
    """The target tries so many different paths, each an event of its own, and ends at once."""
    rows: list[Row] = []
    goals: list[Goal] = []
    for count in counts:
        sample = alternate({"ato": partial(_left, place, count)}, ROUNDS)["ato"]
        rows.append(Row(case=f"{count:,} events", value=sample, unit="s"))
        text = f"{count:,} events: at most {GOALS[count]:g} s"
        goals.append(Goal(text=text, met=sample.median <= GOALS[count]))
    rows += _whole(place)
    return Figure(name="last_event", title="Last event to report.json", rows=rows, goals=goals)


def _left(place: Place, count: int) -> float:
    """Seconds from the target's last open to the report's last write."""
    audited = audit(place, "paths", count)
    counts = audited.bulk()
    assert counts["produced"] >= count
    assert not counts["lost"], "what was lost was not waited for"
    exited = max(int(str(event["ts"])) for event in audited.events("exit"))
    return (_written(audited) - exited) / 1e9


def _written(audited: Audited) -> int:
    """When report.json was written last, in the events' clock (ns)."""
    behind = time.time_ns() - time.monotonic_ns()
    return audited.file("report.json").stat().st_mtime_ns - behind


def _whole(place: Place) -> list[Row]:
    """The whole command on the same target, from start to exit, against a tracer that prints."""
    most = WHOLE
    found = alternate(
        {
            "ato": lambda: seconds(lambda: audit(place, "paths", most)),
            "strace": lambda: seconds(lambda: strace(place, "paths", PEER)) * most / PEER,
        },
        ROUNDS,
    )
    ato, peer = found["ato"], found["strace"]
    note = f"scaled from {PEER:,}"
    return [
        Row(case=f"whole ato run, {most:,} events", value=ato, unit="s"),
        Row(
            case=f"whole strace, {most:,} events",
            value=peer,
            unit="s",
            ratio=ato.over(peer),
            against="this",
            note=note,
        ),
    ]
