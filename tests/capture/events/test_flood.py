"""A target that calls faster than events can be decoded: everything is spooled, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ato.audit import Auditor, Options
from pytest_ato.model.events import Open
from pytest_ato.target.resolve import resolve

pytestmark = pytest.mark.privileged

OPENS, FILES = 300_000, 1_000
FLOOD = f'open(F, "<", "/tmp/missing-" . $_ % {FILES}) for 1 .. {OPENS}'


def test_a_flood_is_told_whole_and_merged(tmp_path: Path) -> None:
    with Auditor(report_dir=tmp_path) as auditor:
        outcome = auditor.audit(
            resolve("/usr/bin/perl"), Options(args=("-e", FLOOD), network="none", timeout=50)
        )
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
