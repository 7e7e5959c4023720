"""More calls than the rings hold: what is lost is counted to the last one, and nothing critical is.

The ring for bulk events has 256 KiB here: 1,024 events, which two threads make in milliseconds.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time

import pytest

from pytest_ato.model.events import Connect, End, Exec, Exit, Fork, Open
from pytest_ato.model.verdict import Verdict

pytestmark = [pytest.mark.privileged, pytest.mark.serial]

HELD = re.compile("the target did more than could be read at once, and was held for (.*) s")
OPENS, CHILDREN = 100_000, 200
"""Opens a thread of the program's."""
AMPLE = 1 << 26
"""Bytes of a ring that holds them all."""


@pytest.fixture(scope="module")
def auditor(faulty):
    return faulty(bulk=1 << 18)


@pytest.fixture(scope="module")
def others(auditor, flood) -> int:
    """Bulk events of the same program without its opens."""
    report = auditor.audit(flood, args=("2", "0", "1")).report
    assert (report.verdict, report.inconclusive) == (Verdict.APPROVE, ())
    return report.coverage.counters["bulk"].produced


def lost_and_counted(outcome, others: int) -> None:
    """Every call is accounted for, and that some were lost is said first."""
    report = outcome.report
    bulk = report.coverage.counters["bulk"]
    assert bulk.produced == others + 2 * OPENS
    assert bulk.produced == bulk.consumed + bulk.lost + bulk.coalesced
    assert bulk.lost == report.coverage.lost_events > 0
    assert (report.verdict, report.conclusive) == (Verdict.INCONCLUSIVE, False)
    assert report.inconclusive[0] == f"{bulk.lost} of {bulk.produced} bulk events were lost"
    assert report.coverage.counters["critical"].lost == 0
    seen = [event for event in outcome.events() if isinstance(event, Open) and event.result == -2]
    told = sum(event.count for event in seen if str(event.path).startswith("/tmp/missing-"))
    assert 2 * OPENS - bulk.lost <= told <= 2 * OPENS - bulk.lost + others


def test_what_a_small_ring_loses_is_counted(auditor, flood, others):
    lost_and_counted(auditor.audit(flood, args=("2", str(OPENS), "1000")), others)


def test_what_is_lost_while_the_reader_stands_still_is_counted(auditor, flood, others, meanwhile):
    def pause(_: int) -> None:
        os.kill(auditor.runtime.pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(auditor.runtime.pid, signal.SIGCONT)

    meanwhile(f"flood\x002\x00{OPENS}", pause)
    lost_and_counted(auditor.audit(flood, args=("2", str(OPENS), "1000")), others)


def test_a_flood_does_not_push_out_what_is_critical(auditor, flood):
    # Processes are slow to start beside it: on a busy machine, hundreds take their time.
    outcome = auditor.audit(flood, args=("2", str(OPENS), "1000", "children"), timeout=120)
    assert outcome.report.ended.how == "exit"
    bulk, critical = (outcome.report.coverage.counters[name] for name in ("bulk", "critical"))
    assert bulk.lost > 0
    assert (critical.lost, critical.unread) == (0, 0)
    assert critical.produced == critical.consumed
    events = list(outcome.events())
    children = {event.child for event in events if isinstance(event, Fork)}
    assert len(children) == CHILDREN + 1  # and the target itself
    assert {event.pid for event in events if isinstance(event, Exec)} == children
    assert {event.pid for event in events if isinstance(event, Exit)} == children
    ports = {event.port for event in events if isinstance(event, Connect)}
    assert ports == {1000 + number for number in range(CHILDREN)}


def test_the_report_has_every_count_of_every_class(auditor, flood):
    outcome = auditor.audit(flood, args=("2", str(OPENS), "1000"))
    shown = json.loads((outcome.directory / "report.json").read_text())["coverage"]
    assert shown["counters"].keys() == {"bulk", "critical", "plain"}
    for counts in shown["counters"].values():
        names = {"produced", "consumed", "lost", "unread", "truncated", "coalesced"}
        assert counts.keys() == names
        assert counts["produced"] == counts["consumed"] + counts["lost"] + counts["coalesced"]
    assert shown["lost_events"] == sum(counts["lost"] for counts in shown["counters"].values()) > 0
    bulk = shown["counters"]["bulk"]
    row = "| opens of files | {produced:,} | {consumed:,} | {lost:,} | 0 | 0 | 0 |".format(**bulk)
    assert row in (outcome.directory / "report.md").read_text()


def test_a_target_that_outruns_the_reader_is_held_and_that_is_told(faulty, flood):
    """What it does takes 100 MB, and the spool's disk, of less, does not fill."""
    auditor = faulty(bulk=AMPLE, spool=0, disk=80 << 20, hold=4 << 20)
    report = auditor.audit(flood, args=("2", str(2 * OPENS), str(OPENS))).report
    assert (report.verdict, report.inconclusive) == (Verdict.APPROVE, ())
    assert report.coverage.counters["bulk"].consumed >= 4 * OPENS
    held = [HELD.fullmatch(note) for note in report.coverage.notes]
    assert sum(float(match[1]) for match in held if match) > 0


def test_the_time_limit_is_the_targets_own(faulty, flood):
    """What it is held for does not count, and held or not it is stopped."""
    auditor = faulty(bulk=AMPLE, spool=0, disk=128 << 20, hold=4 << 20)
    forever = ("2", str(OPENS * 1000), str(OPENS))
    outcome = auditor.audit(flood, args=forever, timeout=1)
    report = outcome.report
    assert (report.verdict, report.inconclusive) == (Verdict.REVIEW, ())
    end = next(event for event in outcome.events() if isinstance(event, End))
    assert end.held_ms > 0
    assert 1_000 <= end.run_ms - end.held_ms < 4_000
