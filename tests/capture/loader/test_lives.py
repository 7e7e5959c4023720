"""Ends, arguments and paths that are hard to get right, told alike by both loaders."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.model.events import Exec, Exit, Fork, Open
from pytest_ato.target.resolve import resolve

pytestmark = [pytest.mark.privileged, pytest.mark.usefixtures("bcc")]

LOADERS = ("core", "bcc")
PROGRAM = "/opt/lives/lives"
ENDS = [
    *[(11, 0), (0, 15), (0, 14), (0, 11), (21, 0), (0, 0)],
    *[(0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0)],
]
"""Status and signal of each child of lives.c in turn, and of itself."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    place = tmp_path_factory.mktemp("lives")
    source = Path(__file__).with_name("lives.c")
    command = ["cc", "-Wall", "-Werror", "-O1", "-pthread", "-o", place / "lives", source]
    subprocess.run(command, check=True)
    found = {}
    for loader in LOADERS:
        with Auditor(report_dir=place / loader, loader=loader) as auditor:
            found[loader] = auditor.audit(
                resolve(str(place / "lives")), Options(network="none", timeout=30)
            )
    return found


@pytest.fixture(params=LOADERS)
def outcome(request: pytest.FixtureRequest, outcomes) -> Outcome:
    return outcomes[request.param]


def test_nothing_is_missing(outcome: Outcome) -> None:
    assert outcome.returncode == 0
    assert outcome.report.inconclusive == ()


def test_every_way_to_end_is_told_with_its_status(outcome: Outcome) -> None:
    ends = {e.pid: (e.status, e.signal) for e in outcome.events() if isinstance(e, Exit)}
    assert list(ends.values()) == ENDS


def test_threads_are_no_processes(outcome: Outcome) -> None:
    forks = [event.child for event in outcome.events() if isinstance(event, Fork)]
    assert len(set(forks)) == len(forks) == len(ENDS)


def test_a_process_ends_once_however_many_threads_end_with_it(outcomes) -> None:
    told = list(outcomes["bcc"].events())
    forks = [event.child for event in told if isinstance(event, Fork)]
    exits = [event.pid for event in told if isinstance(event, Exit)]
    assert sorted(exits) == sorted(forks)


def test_arguments_are_those_of_the_new_image(outcome: Outcome) -> None:
    execs = [event for event in outcome.events() if isinstance(event, Exec)]
    assert [(event.path, event.call) for event in execs] == [
        (PROGRAM, "execve"),
        *[("/bin/true", "execve")] * 3,
        ("/usr/bin/true", "execve"),
    ]
    own, thread, many, none, found = execs
    assert (own.argv, thread.argv, found.argv) == (
        (PROGRAM,),
        ("by a thread",),
        ("found", "in PATH"),
    )
    assert (many.argv_bytes, many.truncated) == (5 + 1000 * 1000, True)
    assert many.argv[:2] == ("true", "a" * 999)
    assert none.argv == ("",)  # the kernel's doing, from 5.18 on


def test_an_exec_by_a_thread_is_its_process_s(outcome: Outcome) -> None:
    (event,) = [e for e in outcome.events() if isinstance(e, Exec) and e.argv[0] == "by a thread"]
    assert event.pid == event.tid


@pytest.mark.skipif(os.cpu_count() == 1, reason="two threads must run at once")
def test_a_path_that_races_is_told_as_changed(outcome: Outcome) -> None:
    racing = [
        event
        for event in outcome.events()
        if isinstance(event, Open) and str(event.path) in ("/tmp/first", "/tmp/second")
    ]
    assert any(event.changed for event in racing)


def test_a_path_that_was_not_there_at_entry_is_read_at_exit(outcome: Outcome) -> None:
    paths = {event.path for event in outcome.events() if isinstance(event, Open)}
    assert {"/tmp/untouched", ""} <= paths
