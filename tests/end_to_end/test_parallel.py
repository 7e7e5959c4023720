"""Audits at the same time: they overlap, and none sees anything of another."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.privileged

SCRIPT = """for i in 1 2 3 4 5 6; do
    echo secret-of-{name} > /tmp/marker-{name}-$i
    ls /tmp /dev/shm ~; cat /tmp/marker-*; sleep 0.5
done"""


def events(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def test_three_audits_under_xdist_overlap_and_do_not_mix(commands, vendor, tmp_path):
    pytest.importorskip("xdist")
    names = ("one", "two", "three")
    targets = [vendor(SCRIPT.format(name=name), name=name) for name in names]
    process = commands.pytest("-n3", *(f"--ato-target={target}" for target in targets))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    times = []
    for name in names:
        folder = tmp_path / "ato-report" / name
        report = json.loads((folder / "report.json").read_text())
        assert (report["verdict"], report["conclusive"]) == ("APPROVE", True)
        log = (folder / "events.jsonl").read_text()
        assert log.count(f"/tmp/marker-{name}-") >= 12
        for other in {*names} - {name}:
            assert f"marker-{other}" not in log
            assert f"secret-of-{other}" not in log
        found = events(folder)
        start, end = (next(e for e in found if e["kind"] == kind) for kind in ("start", "end"))
        times.append((start["ts"], end["ts"]))
    assert max(start for start, _ in times) < min(end for _, end in times)


def test_two_runs_at_once_into_one_report_directory(commands, vendor, tmp_path):
    targets = [vendor("sleep 1; echo $$ > file", name=name) for name in ("left", "right", "right")]
    started = [commands.ato("-q", "-o", "reports", target) for target in targets]
    for process in started:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, ""), out
    reports = tmp_path / "reports"
    assert sorted(path.name for path in reports.iterdir()) == ["evidence.log", "left", "right"]
    for folder in (reports / "left", reports / "right"):
        sums = sorted(path.name for path in folder.glob("*.sha256"))
        assert {"events.jsonl.sha256", "report.json.sha256", "report.md.sha256"} <= set(sums)
        subprocess.run(["sha256sum", "-c", "--quiet", *sums], cwd=folder, check=True)
        report = json.loads((folder / "report.json").read_text())
        assert report["run_id"] == events(folder)[0]["spec"]["run_id"]  # type: ignore[index]
