"""How long until the verdict on /bin/true, from nothing."""

from __future__ import annotations

import json

from measure import Sample, alternate, seconds
from programs import NO_TESTS, PYTEST, WITH_PLUGIN, Place, python, run
from results import Figure, Goal, Row

GOAL = 2.0


def figure(place: Place) -> Figure:
    """Whole processes, and the parts that the audit itself timed."""
    reports = place.path / "cold"
    audit = (*WITH_PLUGIN, "--ato-target=/bin/true", f"--ato-report-dir={reports}")
    parts: list[dict[str, float]] = []

    def audited() -> float:
        took = seconds(lambda: run(audit, place))
        parts.append(json.loads((reports / "true" / "report.json").read_bytes())["timing"])
        return took

    found = alternate(
        {
            "ato": audited,
            "pytest": lambda: seconds(lambda: run(PYTEST, place, status=NO_TESTS)),
            "strace": lambda: seconds(lambda: run(("strace", "-f", "/bin/true"), place)),
        },
        rounds=9,
    )
    ato, pytest, strace = found["ato"], found["pytest"], found["strace"]
    rows = [
        Row(case="pytest --ato-target=/bin/true", value=ato, unit="s"),
        Row(
            case="pytest without tests",
            value=pytest,
            unit="s",
            ratio=ato.over(pytest),
            against="this",
        ),
        Row(
            case="strace -f /bin/true",
            value=strace,
            unit="s",
            ratio=ato.over(strace),
            against="this",
        ),
        *_imports(place),
        *(
            Row(case=words, value=Sample(tuple(part[name] for part in parts[1:])), unit="ms")
            for name, words in (
                ("attach_ms", "part: load, attach and set up the sandbox"),
                ("run_ms", "part: the target's run"),
                ("analysis_ms", "part: analysis after the last event"),
            )
        ),
    ]
    goal = Goal(text=f"at most {GOAL:g} s from start to verdict", met=ato.median <= GOAL)
    return Figure(name="cold", title="Cold start to verdict", rows=rows, goals=[goal])


def _imports(place: Place) -> list[Row]:
    """What the two processes import, beyond pytest and beyond nothing."""
    found = alternate(
        {
            "pytest": lambda: seconds(lambda: run(python("import pytest"), place)),
            "audit": lambda: seconds(
                lambda: run(python("import pytest, pytest_ato.plugin, pytest_ato.audit"), place)
            ),
            "nothing": lambda: seconds(lambda: run(python("pass"), place)),
            "capture": lambda: seconds(
                lambda: run(python("import pytest_ato.capture.__main__"), place)
            ),
        },
        rounds=9,
    )
    audit = found["audit"].minus(found["pytest"]).scaled(1000)
    capture = found["capture"].minus(found["nothing"]).scaled(1000)
    return [
        Row(case="part: imports for the audit", value=audit, unit="ms"),
        Row(case="part: imports of the capture process", value=capture, unit="ms"),
    ]
