"""How long from start to verdict here and in a container: from nothing, and in a session."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path

from measure import Sample, alternate, seconds
from programs import ALONE, ATO, Place, run
from results import Figure, Goal, Row

from pytest_ato.audit import Auditor, Options
from pytest_ato.target import resolve

sys.path.append(str(Path(__file__).parents[1] / "docker"))
from engine import running

from build import make

WARM = 2.0
APART = 0.5
RUNTIMES = ("local", "docker")


def figure(place: Place) -> Figure:
    """The image is there in all cases; an engine is started beforehand where none runs."""
    from pytest_ato.runtime.docker.engine import connect

    with running() as host:
        os.environ["DOCKER_HOST"] = ALONE["DOCKER_HOST"] = host
        make(connect())
        found = {**_cold(place), **_warm(place)}
    rows = [Row(case=case, value=value, unit="s") for case, value in found.items()]
    local, docker = (found[f"warm, {name}"].median for name in RUNTIMES)
    goals = [
        Goal(text=f"at most {WARM:g} s in both when warm", met=max(local, docker) <= WARM),
        Goal(text=f"docker within {APART:g} s of local when warm", met=docker - local <= APART),
    ]
    return Figure(name="runtimes", title="Start to verdict by runtime", rows=rows, goals=goals)


def _trivial(place: Place) -> Path:
    program = place.path / "trivial"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    return program


def _cold(place: Place) -> dict[str, Sample]:
    """A whole `ato run`, which starts a capture process or a container and ends it."""
    program, reports = str(_trivial(place)), f"--report-dir={place.path / 'runtimes'}"

    def cold(name: str) -> float:
        return seconds(lambda: run((ATO, "run", reports, f"--runtime={name}", program), place))

    return alternate({f"cold, {name}": lambda name=name: cold(name) for name in RUNTIMES}, rounds=5)


def _warm(place: Place) -> dict[str, Sample]:
    """An audit of a session that has had one: the capture process or container is up."""
    target = resolve(str(_trivial(place)))
    with ExitStack() as stack:
        auditors = {
            name: stack.enter_context(Auditor(report_dir=place.path / name, runtime=name))
            for name in RUNTIMES
        }
        for auditor in auditors.values():
            auditor.audit(target, Options())

        def warm(name: str) -> float:
            return seconds(lambda: auditors[name].audit(target, Options()))

        cases = {f"warm, {name}": lambda name=name: warm(name) for name in RUNTIMES}
        return alternate(cases, rounds=9)
