"""Every TLS client under a real audit: its planted value is found, or a finding says why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from matrix import ROWS
from tls_audits import audit, build, observe
from tls_page import PAGE, page

from pytest_ato.audit import Auditor


@pytest.mark.privileged
def test_no_client_ends_silent(tmp_path: Path) -> None:
    build()
    with Auditor(report_dir=tmp_path) as auditor:
        outcome = audit(auditor)
    problems = {one.row.name: one.problems for one in observe(outcome) if one.problems}
    assert problems == {}, outcome.stderr
    assert outcome.report.inconclusive == ()
    assert outcome.returncode == 0


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python tests/tls/tls_page.py"


def test_every_row_is_a_client_of_its_own() -> None:
    assert all((row.path.parent.parent / "clients" / row.source).exists() for row in ROWS)
    assert len({row.name for row in ROWS}) == len(ROWS)
