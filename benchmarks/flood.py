"""A target that opens files as fast as it can: what it pays, and whether anything is lost."""

from __future__ import annotations

from collections.abc import Callable

from measure import alternate
from peers import bpftrace, strace
from programs import Place, audit, run
from results import Figure, Goal, Row

OPENS = 2_000_000
GOAL = 2.2
SLOW = {"strace": 25_000, "bpftrace": 25_000}
"""Opens for the peers, which take 10 to 100 µs for each."""
ROUNDS = 9
# Both are a tmpfs.
MEMORY, SANDBOX = "/dev/shm", "/tmp"


def figure(place: Place) -> Figure:
    """Microseconds for an open and its close, by the target's own clock."""
    rows: list[Row] = []
    goals: list[Goal] = []
    for files in (0, 1000):
        what = f"{files:,} files in turn" if files else "one file"
        lost: dict[str, int] = {}
        found = alternate(_cases(place, files, lost), ROUNDS)
        bare = found["bare"]
        for case, sample in found.items():
            ratio = None if case == "bare" else sample.over(bare)
            count = SLOW.get(case, OPENS)
            note = f"{count:,} opens, {what}" + (f", {lost[case]} lost" if case in lost else "")
            rows.append(
                Row(case=case, value=sample, unit="µs", ratio=ratio, against="bare", note=note)
            )
        traced = found["ato"].over(bare).median
        met = traced <= GOAL and not lost["ato"]
        goals.append(Goal(text=f"{what}: at most {GOAL:g} times bare, nothing lost", met=met))
    return Figure(name="flood", title=f"A flood of {OPENS:,} opens", rows=rows, goals=goals)


def _cases(place: Place, files: int, lost: dict[str, int]) -> dict[str, Callable[[], float]]:
    outside = (files, MEMORY) if files else ()
    inside = (files, SANDBOX) if files else ()

    def audited() -> float:
        found = audit(place, "opens", OPENS, *inside)
        counts = found.bulk()
        assert counts["produced"] >= OPENS
        lost["ato"] = lost.get("ato", 0) + counts["lost"]
        return _each(found.stdout(), OPENS)

    def by_bpftrace() -> float:
        found = bpftrace(place, "opens", SLOW["bpftrace"], *outside)
        lost["bpftrace"] = lost.get("bpftrace", 0) + (found.lost or 0)
        return _each(found.output, SLOW["bpftrace"])

    def bare() -> float:
        command = (place.target("opens"), *map(str, (OPENS, *outside)))
        return _each(run(command, place), OPENS)

    def by_strace() -> float:
        return _each(strace(place, "opens", SLOW["strace"], *outside).output, SLOW["strace"])

    ours = {"bare": bare, "ato": audited}
    return ours if files else {**ours, "bpftrace": by_bpftrace, "strace": by_strace}


def _each(seconds: str, count: int) -> float:
    return float(seconds) / count * 1e6
