"""Every TLS client under a real audit: its planted value is found, or a finding says why not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from matrix import ROWS, Row
from tls_audits import audit, build, observe
from tls_page import PAGE, page

from pytest_ato.audit import Auditor
from pytest_ato.model.verdict import Verdict


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Auditor]:
    build()
    with Auditor(report_dir=tmp_path_factory.mktemp("tls")) as auditor:
        yield auditor


@pytest.mark.privileged
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_client(auditor: Auditor, row: Row) -> None:
    outcome = audit(auditor, row)
    assert observe(row, outcome).problems == (), outcome.stderr
    assert outcome.report.verdict is not Verdict.APPROVE
    assert outcome.report.conclusive


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python tests/tls/tls_page.py"


def test_every_row_has_its_source() -> None:
    assert all((row.path.parent / row.path.name).exists() or row.program for row in ROWS)
    assert len({row.name for row in ROWS}) == len(ROWS)
