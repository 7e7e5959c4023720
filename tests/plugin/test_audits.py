"""The face over a real capture: what pytest shows of programs that really ran."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytestmark = pytest.mark.privileged

_INSTALLED = any(point.name == "ato" for point in entry_points(group="pytest11"))
PYTEST = [
    *(sys.executable, "-P", "-m", "pytest"),
    *("-p", "ato" if _INSTALLED else "pytest_ato.plugin", "-p", "no:cacheprovider"),
    *("-p", "no:hypothesispytest"),  # which is imported to show an interrupt, for seconds
]

LONG = f"4242.{os.getpid()}"
"""Seconds; nobody else on the machine sleeps as long."""


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """Make an executable shell script in a vendor folder; returns its path as written."""

    def make(name: str, *lines: str) -> str:
        path = tmp_path / "vendor" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        return f"vendor/{name}"

    return make


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def runner(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PYTEST, *args],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return runner


def test_a_quiet_script_passes_and_a_thief_fails(run, script):
    quiet = script("quiet", "echo hello", "cat /etc/services >/dev/null")
    thief = script("thief", "cat ~/.ssh/id_rsa ~/.aws/credentials ~/.kube/config >/dev/null")
    result = run(f"--ato-target={quiet}", f"--ato-target={thief}", "-v")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "quiet::verdict PASSED" in result.stdout
    assert "thief::credential_access FAILED" in result.stdout
    assert "thief::exfil PASSED" in result.stdout
    assert "cat" in result.stdout
    assert "~/.ssh/id_rsa read by" in result.stdout


def test_args_env_stdin_and_include_reach_the_target(run, script, tmp_path):
    target = script(
        "app",
        '[ "$1" = "two words" ] && [ "$NAME" = "value" ] && [ "$(cat)" = "input" ] '
        '&& [ "$(cat /opt/data/file)" = "companion" ]',
    )
    (tmp_path / "in").write_text("input")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_text("companion")
    result = run(
        f"--ato-target={target}",
        "--ato-args='two words'",
        "--ato-env=NAME=value",
        "--ato-stdin=in",
        "--ato-include=data:/opt/data",
        "--ato-fail-on=conditions",
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_three_audits_at_once(run, script, tmp_path):
    targets = [f"--ato-target={script(name, 'sleep 2')}" for name in ("one", "two", "three")]
    result = run(*targets, "-n3")
    assert result.returncode == 0, result.stdout + result.stderr
    reports = sorted(path.name for path in (tmp_path / "ato-report").iterdir())
    assert reports == ["evidence.log", "one", "three", "two"]


@pytest.mark.parametrize("options", [[], ["-n2"]], ids=["one process", "workers"])
def test_interrupt_ends_the_audit_and_leaves_nothing(script, tmp_path, options):
    target = script("sleeper", f"sleep {LONG}")
    process = subprocess.Popen(
        [*PYTEST, f"--ato-target={target}", *options],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert eventually(lambda: sleepers() == 1), process.communicate(timeout=90)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "APPROVE" not in output
    assert eventually(lambda: sleepers() == 0)


def eventually(condition: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def sleepers() -> int:
    """How many processes run the sleep of the test's target."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += path.read_bytes() == f"sleep\0{LONG}\0".encode()
        except OSError:  # it ended meanwhile
            continue
    return found


def test_what_cannot_be_written_is_one_line(run, script, tmp_path):
    (tmp_path / "file").touch()
    result = run(f"--ato-target={script('app')}", "--ato-report-dir=file/reports", "-k", "verdict")
    assert result.returncode == 1
    assert "cannot write the report to" in result.stdout
    assert "Traceback" not in result.stdout
