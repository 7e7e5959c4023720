"""How much memory the capture process takes: after a small audit, and at most in a large one."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from measure import Sample, alternate
from peers import BPFTRACE_OPENS
from programs import SLEEP, WITH_TRACEFS, Place, running, wait_for_sleep
from results import Figure, Row

from pytest_ato.audit import Auditor, Options
from pytest_ato.runtime.local import LocalRuntime
from pytest_ato.target import resolve

ROUNDS = 9
PATHS = 100_000
FIELDS = {"resident": ("status", "VmRSS"), "proportional": ("smaps_rollup", "Pss")}
MOST = ("status", "VmHWM")


class Watched(LocalRuntime):
    """Whose process can be looked at."""

    def read(self, file: str, field: str) -> float:
        """A field of the process in /proc."""
        assert self._process is not None
        return megabytes(self._process.pid, file, field)


def figure(place: Place) -> Figure:
    """Megabytes; pages that are shared count in full in the first, by their share in the second."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)

    def keep(case: str, part: str, value: float) -> float:
        values[case, part].append(value)
        return value

    def ato(loader: str) -> float:
        runtime = Watched(loader)
        with Auditor(report_dir=place.path / "memory", runtime=runtime) as auditor:
            auditor.audit(resolve("/bin/true"), Options())
            found = [keep(loader, part, runtime.read(*where)) for part, where in FIELDS.items()]
            options = Options(args=(str(PATHS),))
            auditor.audit(resolve(place.target("paths")), options)
            keep(loader, "most", runtime.read(*MOST))
        return found[0]

    def bpftrace() -> float:
        command = (*WITH_TRACEFS, "bpftrace", "-e", BPFTRACE_OPENS, "-c", " ".join(SLEEP))
        with running(*command) as pid:
            wait_for_sleep()
            found = [keep("bpftrace", part, megabytes(pid, *at)) for part, at in FIELDS.items()]
        return found[0]

    alternate(
        {"core": lambda: ato("core"), "bcc": lambda: ato("bcc"), "bpftrace": bpftrace}, ROUNDS
    )
    samples = {key: Sample(tuple(found[1:])) for key, found in values.items()}
    words = {
        "core": "capture, core",
        "bcc": "capture, bcc",
        "bpftrace": "bpftrace, tracing opens",
    }
    rows = []
    for (case, part), sample in samples.items():
        ratio = sample.over(samples["bpftrace", part]) if part in FIELDS else None
        told = f"at most, with {PATHS:,} events" if part == "most" else part
        rows.append(
            Row(
                case=f"{words[case]}: {told}",
                value=sample,
                unit="MB",
                ratio=None if case == "bpftrace" else ratio,
                against="bpftrace",
            )
        )
    return Figure(name="memory", title="Memory of the capture process", rows=rows)


def megabytes(pid: int, file: str, field: str) -> float:
    """A field that proc(5) gives in kB."""
    text = Path(f"/proc/{pid}/{file}").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024
