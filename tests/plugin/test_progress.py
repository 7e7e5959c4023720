"""What takes minutes before the first audit is told while it does, captured output or not."""

from __future__ import annotations

import sys

import pytest

from .conftest import HERE, PLUGIN

STEPS = {"ATO_TEST_STEPS": "building the image\nStep 1/2 : FROM\nStep 2/2 : RUN"}
TOLD = [f"ato: {step}" for step in STEPS["ATO_TEST_STEPS"].splitlines()]


def told(text: str) -> list[str]:
    return [line for line in text.splitlines() if line in TOLD]


def test_each_step_is_a_line(command, vendor):
    result = command(f"--ato-target={vendor('app')}", **STEPS)
    assert told(result.stdout) == TOLD
    assert result.returncode == 0


def test_quiet_is_quiet(command, vendor):
    result = command(f"--ato-target={vendor('app')}", "-q", **STEPS)
    assert told(result.stdout + result.stderr) == []


def test_a_worker_tells_the_session_s_terminal(command, vendor):
    pytest.importorskip("xdist")
    result = command(f"--ato-target={vendor('app')}", "-n1", **STEPS)
    assert told(result.stderr) == TOLD


def test_on_a_terminal_a_step_takes_the_place_of_the_one_before(terminal, pytester, vendor):
    words = [sys.executable, "-P", "-m", "pytest", *PLUGIN, "-p", "scripted_capture"]
    status, said = terminal(
        [*words, f"--ato-target={vendor('app')}"],
        cwd=pytester.path,
        env={"PYTHONPATH": str(HERE), "ATO_TEST_SCRIPTED": "1", "COLUMNS": "60", **STEPS},
    )
    assert status == 0, said
    first, *others = TOLD
    replaced = "".join(f"\x1b[A\x1b[2K{line}\r\n" for line in others)
    assert f"\n{first}\r\n{replaced}" in said.decode()
