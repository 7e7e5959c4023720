"""The manifest, the programs and the page are about the same ways."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from generate import PAGE, link
from suite import EXPECTED, PROGRAMS, Way, ways

from pytest_ato.detectors import registry

NOT_WAYS = {"child32", "way_out"}
CLASSES = {
    "Other system calls",
    "Other ABIs",
    "io_uring",
    "Races on arguments",
    "Links and descriptors",
    "Fileless code",
    "Forks and orphans",
    "Other transports",
    "Encodings and splits",
    "Flooding",
    "Looking for the tracer",
}


def test_each_program_is_in_the_manifest_and_each_entry_has_its_program() -> None:
    programs = {path.stem for path in PROGRAMS.iterdir() if path.suffix in (".c", ".py")}
    listed = Counter(name for names in EXPECTED.values() for name in names)
    assert set(listed) == programs - NOT_WAYS
    assert max(listed.values()) == 1


def test_each_class_has_several_ways() -> None:
    assert set(EXPECTED) == CLASSES
    assert all(len(names) >= 3 for names in EXPECTED.values())


@pytest.mark.parametrize("way", ways(), ids=lambda way: way.name)
def test_a_program_says_what_it_does_and_where_that_is_known_from(way: Way) -> None:
    assert all((way.trick, way.known_from, way.first, way.second))


def test_expectations_name_detectors_that_are_there() -> None:
    known = {detector.definition.name for detector in registry.load()}
    for way in ways():
        kind, _, what = way.expected.partition(":")
        assert kind in ("detected", "blocked", "degraded"), way.name
        assert what, way.name
        assert kind == "degraded" or what in known, way.name


def test_the_page_is_up_to_date() -> None:
    rows = re.findall(
        r"^\| (\[.*?\)) \|.*\| ([a-z]+:[^|]+) \| ([A-Z ]+) \|$", PAGE.read_text(), re.M
    )
    assert [row[:2] for row in rows] == [(link(way), way.expected) for way in ways()], (
        "run: python tests/evasion/generate.py"
    )
    assert "APPROVE" not in {verdict for _, _, verdict in rows}
