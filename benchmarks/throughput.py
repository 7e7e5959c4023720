"""How many audits a minute a machine does: of /bin/true, by one pytest and by two workers."""

from __future__ import annotations

import json
import shutil
from functools import partial

from measure import Sample, alternate, seconds
from programs import WITH_PLUGIN, Place, run
from results import Figure, Row

AUDITS = 10
ROUNDS = 9


def figure(place: Place) -> Figure:
    """Whole pytest runs, their start and end included."""
    targets = []
    for number in range(AUDITS):
        targets.append(place.path / f"true-{number}")
        shutil.copy("/bin/true", targets[-1])
    reports = place.path / "throughput"
    command = (*WITH_PLUGIN, f"--ato-report-dir={reports}")
    command = (*command, *(f"--ato-target={target}" for target in targets))
    workers = {"one": command, "two": (*command, "-p", "xdist", "-n2")}

    def once(words: tuple[str, ...]) -> float:
        shutil.rmtree(reports, ignore_errors=True)
        took = seconds(lambda: run(words, place))
        for target in targets:
            report = json.loads((reports / target.name / "report.json").read_bytes())
            assert report["verdict"] == "APPROVE", report["verdict"]
        return took

    found = alternate({name: partial(once, words) for name, words in workers.items()}, ROUNDS)
    rates = {
        name: Sample(tuple(60 * AUDITS / took for took in sample.values))
        for name, sample in found.items()
    }
    ratio = rates["two"].over(rates["one"])
    unit = "audits a minute"
    rows = [
        Row(case="one worker", value=rates["one"], unit=unit),
        Row(case="two workers", value=rates["two"], unit=unit, ratio=ratio, against="one"),
    ]
    title = f"Audits of /bin/true, {AUDITS} in a run"
    return Figure(name="throughput", title=title, rows=rows)
