"""Findings in words: short, and inert whatever the target put into them."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pytest_ato import wording
from pytest_ato.model.findings import Category, Finding, Process, Severity
from pytest_ato.model.octets import octets


def finding(title: str = "it called home", path: bytes = b"/opt/app/app", **more: int) -> Finding:
    return Finding(
        ts=1,
        detector="beaconing",
        rule="ATO-C2C-009",
        category=Category.C2,
        severity=Severity.HIGH,
        title=title,
        key="beaconing:x",
        lineage=(Process(1, "/opt/app/app"), Process(2, octets(path))),
        **more,
    )


def test_three_lines_say_what_in_words_and_by_whom():
    assert wording.findings_text([finding(count=6)]) == [
        "  HIGH beaconing (ATO-C2C-009, 6 times)",
        "    it called home",
        "    by app -> app (pid 2)",
    ]


def test_many_findings_and_long_lineages_are_cut():
    lines = wording.findings_text([finding()] * 50)
    assert lines[-1] == "  ... and 42 more"
    deep = Finding(
        ts=1,
        detector="d",
        rule="R-1",
        category=Category.C2,
        severity=Severity.LOW,
        title="t",
        key="k",
        lineage=tuple(Process(pid, f"/bin/p{pid}") for pid in range(40)),
    )
    assert (
        wording.findings_text([deep])[-1] == "    by p0 -> p1 -> ... -> p37 -> p38 -> p39 (pid 39)"
    )


@given(st.text(max_size=500), st.binary(max_size=500))
def test_hostile_text_is_inert(title, path):
    for line in wording.findings_text([finding(title, path)]):
        assert all(char.isprintable() or unicodedata.category(char) == "Zs" for char in line)
        assert len(line) < 420


def test_headline_counts_by_severity():
    assert wording.headline("c2", [finding()]) == "c2: 1 high finding (beaconing)"
    assert wording.headline("c2", [finding()] * 2) == "c2: 2 high findings (beaconing)"


def test_paths_are_relative_only_below_the_working_directory():
    assert wording.short_path(Path.cwd() / "a/b") == "a/b"
    assert wording.short_path(Path("/nowhere/x")) == "/nowhere/x"


def test_why_a_detector_did_not_run_is_told_once():
    assert wording.not_run({"a": "needs network", "b": "needs network"}) == [
        "did not run (needs network): a, b"
    ]
