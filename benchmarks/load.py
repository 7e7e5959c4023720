"""How long it takes until the probes are there, and until they are gone.

Started as a program, this file does it once in a fresh process and prints the parts in ms:
load.py LOADER
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

from measure import Sample, alternate, seconds
from peers import BPFTRACE_OPENS
from programs import WITH_TRACEFS, Place, run
from results import Figure, Goal, Row

ROUNDS = 9
GOALS = {"load": 60.0, "attach": 5.0, "detach": 5.0}
BPFTRACE = 'BEGIN { printf("ready\\n"); exit(); }'


def figure(place: Place) -> Figure:
    """Milliseconds; of the bpftrace program that the opens are compared with, the whole run."""
    parts: dict[tuple[str, str], list[float]] = defaultdict(list)

    def once(loader: str) -> float:
        told = json.loads(run((sys.executable, __file__, loader), place))
        for part in GOALS:
            parts[loader, part].append(told[part])
        return float(sum(told.values()))

    peer = (*WITH_TRACEFS, "bpftrace", "-e", BPFTRACE + BPFTRACE_OPENS, "-c", "/bin/true")
    found = alternate(
        {
            "core": lambda: once("core"),
            "bcc": lambda: once("bcc"),
            "bpftrace": lambda: seconds(lambda: run(peer, place)) * 1000,
        },
        ROUNDS,
    )
    samples = {key: Sample(tuple(values[1:])) for key, values in parts.items()}
    rows = []
    for part in GOALS:
        core, bcc = samples["core", part], samples["bcc", part]
        rows.append(
            Row(case=f"core: {part}", value=core, unit="ms", ratio=core.over(bcc), against="bcc")
        )
        rows.append(Row(case=f"bcc: {part}", value=bcc, unit="ms"))
    whole, note = found["bpftrace"], "start, compile, attach and detach two probes"
    ratio = found["core"].over(whole)
    rows.append(Row(case="bpftrace", value=whole, unit="ms", note=note))
    rows.append(
        Row(case="core: all", value=found["core"], unit="ms", ratio=ratio, against="bpftrace")
    )
    goals = [
        Goal(text=f"core: {part} in at most {goal:g} ms", met=samples["core", part].median <= goal)
        for part, goal in GOALS.items()
    ]
    return Figure(name="load", title="Load, attach, detach", rows=rows, goals=goals)


def main(name: str) -> int:
    """Load, attach and detach once, with an audit's own cgroup."""
    from pytest_ato.capture import cgroupfs

    mounted = next(one for one in cgroupfs.hierarchies() if one.version == 2).mount
    cgroup = Path(mounted) / f"ato-bench-{os.getpid()}"
    cgroup.mkdir()
    fd = os.open(cgroup, os.O_RDONLY)
    try:
        print(json.dumps(_core(fd) if name == "core" else _bcc()))
    finally:
        os.close(fd)
        cgroup.rmdir()
    return 0


def _core(cgroup: int) -> dict[str, float]:
    from pytest_ato.capture.loader.core import CoreLoader

    class Timed(CoreLoader):
        attached = 0.0

        def _attach_session(self) -> None:
            began = time.perf_counter()
            super()._attach_session()
            self.attached = time.perf_counter() - began

        def detach(self) -> None:
            self.detach_cgroup()
            for name in list(self._links):
                self._detach(name)

    loader = Timed()
    load = seconds(loader.load)
    audit = seconds(lambda: loader.attach_cgroup(cgroup))
    detach = seconds(loader.detach)
    loader.close()
    attach = loader.attached + audit
    return {"load": (load - loader.attached) * 1e3, "attach": attach * 1e3, "detach": detach * 1e3}


def _bcc() -> dict[str, float]:
    from pytest_ato.capture.loader.bcc import BccLoader
    from pytest_ato.capture.loader.bcc_library import Module, ModuleType
    from pytest_ato.capture.probes import Probe

    class Timed(BccLoader):
        attached = 0.0

        def _attach(self, bpf: ModuleType, module: Module, probe: Probe) -> None:
            began = time.perf_counter()
            super()._attach(bpf, module, probe)
            self.attached += time.perf_counter() - began

    loader = Timed()
    load = seconds(loader.load)
    detach = seconds(loader.close)
    attach = loader.attached
    return {"load": (load - attach) * 1e3, "attach": attach * 1e3, "detach": detach * 1e3}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
