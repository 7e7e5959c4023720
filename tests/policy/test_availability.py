"""A category without a detector behind it is not a clean one."""

from __future__ import annotations

from dataclasses import replace

from pytest_ato.detectors.interface import Definition, Idle
from pytest_ato.model.events import Connect
from pytest_ato.model.findings import Category, Severity
from pytest_ato.policy.availability import not_run, unavailable


def definition(name, category, *needs):
    return Definition(
        rule="ATO-X-001",
        name=name,
        category=category,
        severity=Severity.HIGH,
        title="t",
        technique="T1",
        wants=(Connect,),
        needs=frozenset(needs),
    )


BEACON = definition("beaconing", Category.C2, "sinkhole", "open")
RAW = definition("raw_ip", Category.C2, "sinkhole")
FILES = definition("persistence", Category.PERSISTENCE)


def idle(*definitions):
    return [Idle(one, one.cannot_work("none", ())) for one in definitions]


def test_says_what_each_detector_wanted():
    assert not_run(idle(BEACON)) == {"beaconing": "needs network open or sinkhole, not none"}


def test_a_detector_without_what_it_compares_with_cannot_work():
    known = replace(BEACON, input="domains")
    assert known.cannot_work("open", ("asns",)) == "needs a list of names (--ato-domain-list)"
    assert known.cannot_work("open", ("domains",)) == ""


def test_a_category_counts_as_watched_by_one_detector():
    assert Category.C2 not in unavailable([RAW, FILES], idle(BEACON))


def test_a_category_none_of_whose_detectors_ran_says_so():
    reasons = unavailable([FILES], idle(RAW, BEACON))
    assert reasons[Category.C2] == (
        "its detectors cannot work: beaconing needs network open or sinkhole, not none; "
        "raw_ip needs network sinkhole, not none"
    )
    assert Category.PERSISTENCE not in reasons


def test_a_category_without_detectors_says_so():
    reasons = unavailable([], [])
    assert set(reasons) == set(Category)
    assert set(reasons.values()) == {"no detector for it is installed"}
