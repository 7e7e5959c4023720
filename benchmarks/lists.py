"""How long a list of a million names takes to load, and how much memory it takes then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from measure import Sample
from programs import Place
from results import Figure, Goal, Row

NAMES = 1_000_000
GOAL = 2.0
ROUNDS = 9
_LOAD = """
import resource, sys, time
from pathlib import Path
from pytest_ato.enrich import lists

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

before, began = peak(), time.perf_counter()
loaded = lists.load([Path(sys.argv[1])], [])
print(time.perf_counter() - began, peak() - before)
assert loaded.domain("host999999.zone999.example") is not None
"""


def figure(place: Place) -> Figure:
    """Seconds and MiB, each round in a fresh process; plain names, and a hosts file."""
    rows: list[Row] = []
    seconds: dict[str, Sample] = {}
    for form, before in (("plain names", ""), ("a hosts file", "0.0.0.0 ")):
        path = place.path / "names.txt"
        with path.open("w") as file:
            file.write("# as of 2026-01-31\n")
            file.writelines(f"{before}host{n}.zone{n % 1000}.example\n" for n in range(NAMES))
        rounds = [_load(path) for _ in range(ROUNDS)]
        seconds[form] = Sample(tuple(took for took, _ in rounds))
        memory = Sample(tuple(mib for _, mib in rounds))
        rows.append(Row(case=f"{form}: loaded", value=seconds[form], unit="s"))
        rows.append(Row(case=f"{form}: memory", value=memory, unit="MiB"))
    met = all(sample.median <= GOAL for sample in seconds.values())
    goal = Goal(text=f"{NAMES:,} names: at most {GOAL:g} s", met=met)
    return Figure(name="lists", title="A list of a million names", rows=rows, goals=[goal])


def _load(path: Path) -> tuple[float, float]:
    command = [sys.executable, "-P", "-c", _LOAD, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    took, memory = map(float, done.stdout.split())
    return took, memory
