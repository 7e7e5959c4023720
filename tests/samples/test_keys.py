"""A finding's key is the same in every run: no pid, port, temporary name or value is in it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from pytest_ato.audit import Auditor, Options
from pytest_ato.target import resolve

pytestmark = [pytest.mark.privileged, pytest.mark.slow]

RESTLESS = Path(__file__).parent / "restless.py"
RUNS = 20
ENOUGH = 20
"""Different findings that the program makes at least."""


def test_one_program_has_one_set_of_keys(tmp_path: Path) -> None:
    keys: Counter[str] = Counter()
    with Auditor(report_dir=tmp_path) as auditor:
        for _ in range(RUNS):
            outcome = auditor.audit(resolve(str(RESTLESS), ()), Options())
            assert outcome.returncode == 0, outcome.stderr
            assert outcome.report.conclusive, outcome.report.reason
            report = json.loads((outcome.directory / "report.json").read_text())
            keys.update({finding["key"] for finding in report["findings"]})
    assert set(keys.values()) == {RUNS}, sorted(key for key, n in keys.items() if n != RUNS)
    assert len(keys) >= ENOUGH
