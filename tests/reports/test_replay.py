"""The same log gives the same bytes, in any process, place and time."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytest_ato.model import events as ev
from pytest_ato.reports.registry import RENDERERS

REPLAY = """
import sys
from pathlib import Path
from pytest_ato.analysis import Analysis
from pytest_ato.detectors import registry
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model.events import decode
from pytest_ato.policy.verdict import judge
from pytest_ato.reports.build import build
from pytest_ato.reports.write import write

pipeline, analysis = Pipeline(registry.load(())), Analysis()
for line in Path(sys.argv[1]).read_bytes().splitlines():
    event = decode(line)
    analysis.feed(event)
    pipeline.feed(event)
pipeline.finish()
facts = analysis.facts()
judgement = judge(pipeline.findings, facts, failures=pipeline.failures)
write(
    build(facts, judgement, watching=pipeline.definitions, skipped=pipeline.skipped),
    Path(sys.argv[2]),
)
"""

PLACES = [
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "4242", "TZ": "America/St_Johns", "LC_ALL": "POSIX", "PYTHONUTF8": "0"},
]

SECRET = "wJq3XtBnFEm7K1MDnGzbPxRciCYq0EXAMPvKeyZz"


@pytest.fixture
def log(tmp_path, events) -> Path:
    """A log with findings, among them a marker that leaves as base64, in many directories."""
    posted = b"POST / HTTP/1.1\r\n\r\nkey=" + base64.b64encode(SECRET.encode())
    more = [
        ev.Tcp(
            ts=9,
            connection=2,
            client="10.0.0.2",
            client_port=4001,
            address="198.18.0.5",
            port=80,
            direction="out",
            data=posted.decode(),
        ),
        *(
            ev.Open(ts=9, pid=100, call="open", path=f"/tmp/é{n}", result=3, flags=0o101)
            for n in range(200)
        ),
    ]
    counters = {"b": ev.Counters(), "a": ev.Counters(produced=1, consumed=1)}
    end = replace(events[-2], counters=counters, output_bytes={"stderr": 1, "stdout": 2})
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(map(ev.encode, [*events[:-2], *more, end, events[-1]])) + b"\n")
    return path


def replayed(log: Path, out: Path, settings: dict[str, str]) -> dict[str, bytes]:
    out.mkdir()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)} | settings
    subprocess.run([sys.executable, "-c", REPLAY, log, out], env=environment, cwd=out, check=True)
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_the_bytes_depend_on_the_log_alone(log, tmp_path) -> None:
    first, *others = (
        replayed(log, tmp_path / str(number), settings) for number, settings in enumerate(PLACES)
    )
    names = [renderer.file_name for renderer in RENDERERS]
    assert sorted(first) == sorted([*names, *(f"{name}.sha256" for name in names)])
    assert b"honeytoken_exfil" in first["report.json"]
    assert [other == first for other in others] == [True, True]


def test_what_left_encoded_is_in_no_rendering(log, tmp_path) -> None:
    encoded = base64.b64encode(SECRET.encode())
    assert encoded in log.read_bytes()
    for data in replayed(log, tmp_path / "out", {}).values():
        for start in range(len(encoded) - 16):
            assert encoded[start : start + 16] not in data
        assert SECRET[:16].encode() not in data
