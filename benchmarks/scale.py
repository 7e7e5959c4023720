"""How a session of many targets scales with workers in both runtimes: one container a worker.

All reports are merged afterwards, as those of many jobs are.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from functools import partial
from pathlib import Path

from measure import alternate, seconds
from programs import ALONE, ATO, WITH_PLUGIN, Place, run
from results import Figure, Row

sys.path.append(str(Path(__file__).parents[1] / "docker"))
from engine import running

from build import make

TARGETS = 20
WORKERS = (1, 2, 4)
RUNTIMES = ("local", "docker")
ROUNDS = 3


def figure(place: Place) -> Figure:
    """Whole pytest runs; the image is there, and an engine is started where none runs."""
    from pytest_ato.runtime.docker.engine import connect

    targets = [_target(place, number) for number in range(TARGETS)]
    with running() as host:
        os.environ["DOCKER_HOST"] = ALONE["DOCKER_HOST"] = host
        make(connect())
        cases = {
            f"{runtime}, {workers}": partial(_session, place, targets, runtime, workers)
            for runtime in RUNTIMES
            for workers in WORKERS
        }
        found = alternate(cases, ROUNDS)
    rows = []
    for runtime in RUNTIMES:
        one = found[f"{runtime}, 1"]
        for workers in WORKERS:
            value = found[f"{runtime}, {workers}"]
            row = Row(case=f"{runtime}, workers: {workers}", value=value, unit="s")
            if workers > 1:
                ratio = value.over(one)
                row = Row(case=row.case, value=value, unit="s", ratio=ratio, against="one worker")
            rows.append(row)
    merged = alternate({"merge": partial(_merge, place)}, ROUNDS)["merge"]
    rows.append(Row(case=f"`ato merge` of the {TARGETS} reports", value=merged, unit="s"))
    title = f"{TARGETS} targets by the number of workers"
    return Figure(name="scale", title=title, rows=rows)


def _target(place: Place, number: int) -> Path:
    """A program of its own, so that none is taken for another."""
    program = place.path / f"scale-{number}"
    program.write_text(f"#!/bin/sh\necho {number}\n")
    program.chmod(0o755)
    return program


def _session(place: Place, targets: list[Path], runtime: str, workers: int) -> float:
    reports = place.path / "scale"
    shutil.rmtree(reports, ignore_errors=True)
    words = (*WITH_PLUGIN, "-p", "xdist", f"-n{workers}", f"--ato-report-dir={reports}")
    words = (*words, f"--ato-runtime={runtime}", *(f"--ato-target={target}" for target in targets))
    took = seconds(lambda: run(words, place))
    for target in targets:
        report = json.loads((reports / target.name / "report.json").read_bytes())
        assert report["verdict"] == "APPROVE", report["verdict"]
        assert report["provenance"]["runtime"] == runtime
    return took


def _merge(place: Place) -> float:
    merged = place.path / "merged"
    shutil.rmtree(merged, ignore_errors=True)
    return seconds(lambda: run((ATO, "merge", str(place.path / "scale"), "-o", str(merged)), place))
