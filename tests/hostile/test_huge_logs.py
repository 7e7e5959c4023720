"""A log may be of any size, about ever new things: memory is bounded, and nothing is approved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import huge_log
import pytest

REPLAY = r"""
import re, sys
from pathlib import Path
from pytest_ato.audit import replay
report = replay(Path(sys.argv[1])).report
# Of this program alone: getrusage counts what its parent had when it forked, too.
peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]
print(int(peak) >> 10, report.verdict.name)
"""
MEGABYTE = 1 << 20
BULK = ("Fork", "Exec", "Exit", "Open", "Map", "Connect", "SocketState", "Rename", "Enrichment")
MOST = 600
"""Megabytes that a replay may take, whatever the size of the log."""


def replayed(path: Path) -> tuple[int, str]:
    """Peak of memory in megabytes, and the verdict."""
    command = [sys.executable, "-P", "-c", REPLAY, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    memory, verdict = done.stdout.split()
    return int(memory), verdict


def test_memory_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert huge_log.write(path, 8 * MEGABYTE, BULK) > 40_000
    memory, verdict = replayed(path)
    assert memory < MOST
    assert verdict in ("INCONCLUSIVE", "REJECT")


def test_every_kind_of_record(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    huge_log.write(path, MEGABYTE // 8)
    memory, verdict = replayed(path)
    assert memory < MOST
    assert verdict == "REJECT"


@pytest.mark.parametrize("kind", ["Honeytoken", "Planted"])
def test_more_honeytokens_than_an_audit_has(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "events.jsonl"
    huge_log.write(path, 2 * MEGABYTE, (kind,))
    assert replayed(path)[1] == "INCONCLUSIVE"


def test_one_line_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    huge_log.write(path, MEGABYTE // 8, BULK)
    with path.open("ab") as file:
        for _ in range(100):
            file.write(b"x" * MEGABYTE)
    memory, verdict = replayed(path)
    assert memory < MOST
    assert verdict in ("INCONCLUSIVE", "REJECT")
