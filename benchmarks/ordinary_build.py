"""An ordinary build: 20 C files are compiled and linked, inside an audit and outside."""

from __future__ import annotations

import tempfile

from measure import alternate
from programs import HERE, Place, audit, run
from results import Figure, Goal, Row

FILES = 20
ROUNDS = 9
GOAL = 1.05
SCRIPT = HERE / "targets/build.sh"


def figure(place: Place) -> Figure:
    """Seconds by the script's own clock; both build in memory."""

    def bare() -> float:
        with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
            return float(run((str(SCRIPT), directory), place))

    def audited() -> float:
        found = audit(place, SCRIPT, "/tmp")
        assert not found.bulk()["lost"]
        return float(found.stdout())

    found = alternate({"bare": bare, "ato": audited}, ROUNDS)
    ratio = found["ato"].over(found["bare"])
    rows = [
        Row(case="bare", value=found["bare"], unit="s"),
        Row(case="ato", value=found["ato"], unit="s", ratio=ratio, against="bare"),
    ]
    goal = Goal(text=f"at most {GOAL:g} times bare", met=ratio.median <= GOAL)
    return Figure(name="build", title=f"A build of {FILES} C files", rows=rows, goals=[goal])
