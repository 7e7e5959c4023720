"""Runs in the booted machine, as root: asks the product what it can do there, audits both samples,
and runs the tests of what the kernel side reports. Prints one `Machine` as JSON."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec
from results import Machine, Step

TREE: Final = Path(__file__).parents[2]
BIN: Final = Path(sys.executable).parent
PATIENCE_S: Final = 900
"""For one program; an emulated processor is some twenty times slower than a real one, and a host
that has other work to do gives it a part of that."""
OUTPUT: Final = 4000


def main() -> None:
    boot_seconds = time.monotonic()
    steps = [
        _run("doctor", str(BIN / "ato"), "doctor"),
        _audit("bad-sample"),
        _audit("good-sample"),
        # A flood asks how fast the machine is, and an emulated one is not.
        _run("events", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
             "--tb=line", "-k", "not flood", str(TREE / "tests/capture/events")),
    ]  # fmt: skip
    machine = Machine(release=os.uname().release, boot_seconds=boot_seconds, steps=steps)
    sys.stdout.write(msgspec.json.encode(machine).decode() + "\n")


def _run(name: str, *command: str) -> Step:
    began = time.monotonic()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        status, output = done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as late:
        printed = (late.stdout or b"") + (late.stderr or b"")
        status, output = -1, f"{printed.decode()}not done after {PATIENCE_S} s"
    seconds = round(time.monotonic() - began, 1)
    return Step(name=name, status=status, seconds=seconds, output=output[-OUTPUT:])


def _audit(name: str) -> Step:
    program = TREE / "examples/c/build" / name
    with tempfile.TemporaryDirectory() as folder:
        step = _run(name, str(BIN / "ato"), "run", f"--report-dir={folder}", str(program))
        report = Path(folder) / name / "report.json"
        if not report.exists():
            return step
        told = msgspec.json.decode(report.read_bytes())
    return msgspec.structs.replace(
        step,
        verdict=told["verdict"],
        probes=told["coverage"]["probes"],
        lost=told["coverage"]["lost_events"],
    )


if __name__ == "__main__":
    main()
