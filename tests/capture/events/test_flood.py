"""A target that calls faster than events can be decoded: everything is spooled, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.model.events import Open
from pytest_ato.target.resolve import resolve

pytestmark = [pytest.mark.privileged, pytest.mark.serial]

OPENS, FILES = 300_000, 1_000
RELATIVE = 'chdir("/usr/lib"); for (1 .. 1000) { open(F, "<", "os-release"); close(F) }'
FLOOD = f'open(F, "<", "/tmp/missing-" . $_ % {FILES}) for 1 .. {OPENS}'


def audit(tmp_path: Path, program: str) -> Outcome:
    with Auditor(report_dir=tmp_path) as auditor:
        return auditor.audit(
            resolve("/usr/bin/perl"), Options(args=("-e", program), network="none", timeout=50)
        )


def test_a_file_has_its_path_each_time_it_is_opened(tmp_path: Path) -> None:
    outcome = audit(tmp_path, RELATIVE)
    assert outcome.report.inconclusive == ()
    opens = [e for e in outcome.events() if isinstance(e, Open) and e.path == "os-release"]
    assert sum(event.count for event in opens) == 1000
    assert {event.file for event in opens} == {"/usr/lib/os-release"}


def test_a_flood_is_told_whole_and_merged(tmp_path: Path) -> None:
    outcome = audit(tmp_path, FLOOD)
    assert outcome.report.inconclusive == ()
    counts = outcome.report.coverage.counters["bulk"]
    assert counts.produced == counts.consumed >= OPENS
    opens = [
        event
        for event in outcome.events()
        if isinstance(event, Open) and str(event.path).startswith("/tmp/missing-")
    ]
    assert sum(event.count for event in opens) == OPENS
    assert len({event.path for event in opens}) == FILES
    assert len(opens) < OPENS
