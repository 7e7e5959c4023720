"""Each gap in a capture is told in a sentence; without one there is none."""

from __future__ import annotations

import pytest

from pytest_ato.model import events as ev
from pytest_ato.model.verdict import Verdict
from pytest_ato.policy.verdict import judge
from pytest_ato.policy.wholeness import gaps


def counts(**fields):
    return {"end": {"counters": {"bulk": ev.Counters(**fields)}}}


GAPS = [
    ({"end": None}, "no end record"),
    ({"start": None}, "no start record"),
    ({"spec": None}, "no audit record"),
    ({"executed": False}, "never executed"),
    ({"end": {"ended": "not_started", "reason": "bwrap is missing"}}, "bwrap is missing"),
    ({"end": {"ended": "interrupted"}}, "interrupted"),
    ({"end": {"ended": "limit", "reason": "memory"}}, "stopped by a limit of the sandbox: memory"),
    ({"end": {"counters": {}}}, "no counts"),
    (counts(produced=5, consumed=3, lost=2), "2 of 5 bulk events were lost"),
    (counts(produced=5, consumed=5, unread=1), "1 bulk events lack a value"),
    (counts(produced=5, consumed=4), "5 events produced, 4 seen"),
    (counts(produced=5, consumed=6), "5 events produced, 6 seen"),
    ({"start": {"probes": {"open": "live", "exec": "silent"}}}, "exec was attached but stayed"),
    ({"start": {"probes": {"open": "live", "exec": "missing"}}}, "required probe exec is missing"),
    ({"start": {"probes": {"open": "live", "exec": "not captured"}}}, "exec is not captured"),
    ({"start": {"probes": {"open": "live"}}}, "required probe exec is missing"),
    ({"start": {"probes": {}, "required": ()}}, "no probe was proven live"),
    ({"lost": (ev.Lost(ts=5, source="sinkhole", reason="it ended"),)}, "sinkhole: it ended"),
    ({"lost": (ev.Lost(ts=5, source="s", reason="r", count=7),)}, "s: r (7 times)"),
]


@pytest.mark.parametrize(("changes", "words"), GAPS)
def test_what_is_missing_is_told_and_never_approved(facts, changes, words):
    given = facts(**changes)
    (sentence,) = (gap for gap in gaps(given) if words in gap)
    assert "\n" not in sentence
    assert judge([], given).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "changes",
    [
        {},
        counts(produced=5, consumed=3, coalesced=2, truncated=4),
        {"start": {"probes": {"open": "live", "exec": "live", "io_uring": "missing"}}},
        {"start": {"probes": {"open": "live", "exec": "live", "tls": "not captured"}}},
    ],
)
def test_what_is_only_a_line_of_coverage_is_no_gap(facts, changes):
    assert gaps(facts(**changes)) == ()


def test_a_target_that_was_not_started_is_told_once(facts):
    given = facts(start=None, executed=False, end={"ended": "not_started", "counters": {}})
    assert gaps(given) == ("the target was not started",)


def test_an_empty_log_is_told_and_never_approved():
    from pytest_ato.analysis import Analysis

    empty = Analysis().facts()
    assert len(gaps(empty)) == 3
    assert judge([], empty).verdict is Verdict.INCONCLUSIVE


def test_failures_of_detectors_are_gaps(facts):
    assert gaps(facts(), ["one", "two", "one"]) == ("one", "two")
