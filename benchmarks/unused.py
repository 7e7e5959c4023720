"""What a pytest run pays that has the plugin installed and does not use it."""

from __future__ import annotations

import re
import subprocess
import sys

from measure import Sample, alternate, seconds
from programs import ALONE, NO_TESTS, PYTEST, WITH_PLUGIN, Place, run
from results import Figure, Goal, Row

GOAL = 10.0
ROUNDS = 9
_CUMULATIVE = re.compile(r"\| +(\d+) \| pytest_ato\.plugin$", re.MULTILINE)


def figure(place: Place) -> Figure:
    """The import by `-X importtime`, where pytest is imported already, and the whole run."""
    imports = Sample(tuple(_import(place) for _ in range(ROUNDS)))
    runs = alternate(
        {
            "without": lambda: seconds(lambda: run(PYTEST, place, status=NO_TESTS)),
            "with": lambda: seconds(lambda: run(WITH_PLUGIN, place, status=NO_TESTS)),
        },
        ROUNDS,
    )
    rows = [
        Row(case="import pytest_ato.plugin after pytest", value=imports, unit="ms"),
        Row(
            case="whole run without tests, with the plugin",
            value=runs["with"].scaled(1000),
            unit="ms",
            ratio=runs["with"].over(runs["without"]),
            against="without it",
        ),
    ]
    goal = Goal(text=f"at most {GOAL:g} ms to import", met=imports.median <= GOAL)
    return Figure(
        name="unused", title="A pytest run that does not use the plugin", rows=rows, goals=[goal]
    )


def _import(place: Place) -> float:
    """Milliseconds, with everything that it imports in turn."""
    code = "import pytest, pytest_ato.plugin"
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        cwd=place.empty,
        env=ALONE,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(_CUMULATIVE.findall(result.stderr)[0]) / 1000
