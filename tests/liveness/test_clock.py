"""A wall clock that is wrong, or is set while a target runs, changes no order and no verdict."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest

import pytest_ato
from pytest_ato.audit import auditor
from pytest_ato.model.verdict import Verdict

PACKAGE = Path(pytest_ato.__file__).parent
JUDGING = ("capture", "runtime", "analysis", "detectors", "policy", "enrich", "reports")
WALL_CLOCK = {"time.time", "time.time_ns", "time.CLOCK_REALTIME", "datetime.now", "date.today"}


def uses(path: Path) -> Iterator[str]:
    """Names of clocks that a module reads."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"time.{name.name}" for name in node.names)


def test_the_check_finds_a_wall_clock():
    assert "datetime.now" in set(uses(PACKAGE / "audit/auditor.py"))


def test_only_the_monotonic_clock_is_read_where_it_matters():
    files = [path for folder in JUDGING for path in (PACKAGE / folder).rglob("*.py")]
    assert len(files) > 50
    read = {str(path): found for path in files if (found := set(uses(path)) & WALL_CLOCK)}
    assert read == {}


def test_the_kernel_side_reads_the_same_clock():
    sources = list((Path(__file__).parents[2] / "bpf").rglob("*.[ch]"))
    text = "".join(path.read_text() for path in sources)
    monotonic = ("bpf_ktime_get_ns()", "bpf_ktime_get_coarse_ns()")  # the latter to a tick
    assert sum(map(text.count, monotonic)) == text.count("bpf_ktime_get") > 0


@pytest.mark.privileged
@pytest.mark.parametrize("year", [1970, 2106])
def test_a_clock_that_is_wrong_is_shown_and_judges_nothing(
    faulty, vendor, monkeypatch: pytest.MonkeyPatch, year: int
):
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime(year, 1, 1, tzinfo=tz or UTC)

    monkeypatch.setattr(auditor, "datetime", Wrong)
    report = faulty().audit(vendor("sleep 0.1")).report
    assert (report.verdict, report.inconclusive) == (Verdict.APPROVE, ())
    assert report.provenance.started.startswith(f"{year}-01-01T00:00:00")
    assert 100 <= report.ended.run_ms < 10_000
