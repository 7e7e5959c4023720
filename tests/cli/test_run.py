"""`ato run`: exit codes, what is printed where, and errors in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPTED = Path(__file__).parents[1] / "plugin"
ATO = [
    sys.executable,
    "-P",
    "-c",
    "import sys, scripted_capture; scripted_capture.install(); "
    "from pytest_ato.cli import main; sys.exit(main())",
]


@pytest.mark.parametrize(
    ("name", "options", "code", "verdict"),
    [
        ("app", [], 0, "APPROVE"),
        ("app-shell", [], 1, "REJECT"),
        ("app-shell", ["--allow=execution"], 0, "APPROVE WITH CONDITIONS"),
        ("app-rawip", [], 1, "REVIEW"),
        ("app-rawip", ["--fail-on=reject"], 0, "REVIEW"),
        ("app-lost", [], 3, "INCONCLUSIVE"),
        ("app-lost", ["--allow-inconclusive"], 0, "INCONCLUSIVE"),
        ("app-odd", ["--fail-on", "conditions"], 1, "APPROVE WITH CONDITIONS"),
        ("app-odd", ["--fail-on", "conditions", "--expect-exit", "3"], 0, "APPROVE"),
    ],
)
def test_exit_code_follows_the_verdict(ato, program, name, options, code, verdict):
    result = ato("run", *options, program(name), "-q")
    assert result.returncode == code
    assert result.stdout.startswith(f"{name}: {verdict}: ")
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


def test_words_after_the_dashes_are_the_targets(ato, program, tmp_path):
    result = ato("run", program("app"), "--", "-x", "--timeout", "two words", "--")
    assert result.returncode == 0
    events = (tmp_path / "ato-report/app/events.jsonl").read_text().splitlines()
    assert json.loads(events[0])["spec"]["args"] == ["-x", "--timeout", "two words", "--"]


def test_a_failure_ends_with_the_command_that_would_accept_it(ato, program):
    result = ato("run", program("app-shell"), "--timeout=9", "--", "two words")
    last = result.stdout.splitlines()[-1]
    assert last == (
        "accept it with: ato run ./app-shell --timeout=9 --allow=reverse_shell -- 'two words'"
    )
    assert "CRITICAL reverse_shell" in result.stdout


def test_report_dir(ato, program, tmp_path):
    assert ato("run", program("app"), "-o", "out").returncode == 0
    assert (tmp_path / "out/app/report.md").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "usage: ato"),
        (["bogus"], "invalid choice: 'bogus'"),
        (["run"], "the following arguments are required: PROG"),
        (["run", "missing"], "ato: target missing does not exist"),
        (["run", "."], "would show the target your own files"),
        (["run", "./app", "-x"], "unrecognized arguments: -x"),
        (["run", "./app", "--limit=memory=much"], "argument --limit: expected NAME=VALUE"),
        (["run", "./app", "--time=3"], "unrecognized arguments: --time=3"),
        (["run", "./app", "--allow=nobody"], "no detector or category is named 'nobody'"),
        (["run", "./app", "--stdin=missing"], "missing does not exist"),
        (["run", "./app", "--include=/proc"], "cannot be shown to a target"),
        (["run", "./app-unavailable"], "ato: this machine has no BTF"),
        (["replay", "missing"], "missing"),
    ],
    ids=str,
)
def test_wrong_use_is_exit_code_2_and_one_clear_line(ato, program, words, message):
    program("app")
    program("app-unavailable")
    result = ato(*words)
    told = result.stdout + result.stderr
    assert result.returncode == 2
    assert message in told
    assert "Traceback" not in told


def test_no_colour_and_no_progress_in_a_pipe(ato, program):
    result = ato("run", program("app"))
    assert "\x1b" not in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(("environment", "colour"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_and_progress_on_a_terminal(program, on_terminal, environment, colour):
    code, told = on_terminal("run", program("app"), **environment)
    assert code == 0
    assert (b"\x1b[" in told) is colour
    assert b"\rapp: running" in told


def test_a_reader_that_leaves_is_no_error(program, tmp_path):
    program("app-shell")
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(
        [*ATO, "run", "./app-shell"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SCRIPTED)},
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )
    os.close(write)
    assert result.returncode == 141
    assert result.stderr == ""


def test_interrupt_is_one_line(program, tmp_path):
    program("app-endless")
    process = subprocess.Popen(
        [*ATO, "run", "./app-endless"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SCRIPTED), "ATO_TEST_STARTED": str(tmp_path / "on")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "on").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "ato: interrupted\n"
    assert out == ""


def test_nothing_is_imported_from_the_working_directory(ato, program, tmp_path):
    program("app")
    for name in ("json.py", "msgspec.py", "sitecustomize.py", "pytest_ato.py", "conftest.py"):
        (tmp_path / name).write_text("open('imported', 'w').close()\n")
    assert ato("run", "./app", "-q").returncode == 0
    assert not (tmp_path / "imported").exists()
