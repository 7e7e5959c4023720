"""How an end reads, and which durations are written how."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pytest_ato.model.events import End
from pytest_ato.model.octets import B64
from pytest_ato.model.verdict import Verdict
from pytest_ato.policy.ceilings import ceilings, duration, how_it_ended


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (End(ts=1, ended="exit", status=2, run_ms=3), "the target exited 2 after 3 ms"),
        (
            End(ts=1, ended="signal", status=11, run_ms=3),
            "the target was killed by SIGSEGV after 3 ms",
        ),
        (
            End(ts=1, ended="signal", status=99, run_ms=3),
            "the target was killed by signal 99 after 3 ms",
        ),
        (End(ts=1, ended="timeout", run_ms=60_003), "the target was still running after 60 s"),
        (
            End(ts=1, ended="limit", run_ms=1500),
            "the target was stopped by a limit of the sandbox after 1.5 s",
        ),
        (End(ts=1, ended="not_started"), "the target was not started"),
        (End(ts=1, ended="interrupted", run_ms=10), "the audit was interrupted after 10 ms"),
        (None, "how the target ended is not known"),
    ],
)
def test_each_end_is_a_sentence(end, sentence):
    assert how_it_ended(end) == sentence


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 ms"),
        (0.6, "1 ms"),
        (999, "999 ms"),
        (1000, "1.0 s"),
        (9949, "9.9 s"),
        (61000, "61 s"),
    ],
)
def test_durations_are_short(ms, text):
    assert duration(ms) == text


def test_without_records_nothing_is_a_ceiling(facts):
    assert ceilings(None, None) == ()
    assert ceilings(facts().end, None) == ()


def test_survivors_are_named_printably_and_only_some_of_them(facts):
    names = (B64(b"\x1b[2J\xff"), *(f"daemon{number}" for number in range(20)))
    given = facts(end={"survivors": names})
    (ceiling,) = ceilings(given.end, given.audit.spec)
    assert ceiling.sentence.isprintable()
    assert "left processes running (\\x1b[2J\\xff, daemon0" in ceiling.sentence
    assert "daemon9" not in ceiling.sentence


def test_a_loader_that_cannot_see_everything_is_a_ceiling(facts):
    probes = {"sys_enter_openat": "live", "connect4": "not captured", "sys_enter": "not captured"}
    start = facts(
        start={"loader": "bcc", "probes": probes, "unseen": ("renames", "TCP connection states")}
    ).start
    (ceiling,) = ceilings(None, None, start)
    assert ceiling.best is Verdict.CONDITIONS
    assert ceiling.sentence == (
        "captured by the bcc loader, which does not see renames; TCP connection states"
    )
    (unnamed,) = ceilings(None, None, replace(start, unseen=()))
    assert unnamed.sentence.endswith("does not see what these probes would: connect4, sys_enter")


@pytest.mark.parametrize("state", ["live", "missing", "silent"])
def test_only_what_a_loader_never_had_is_a_ceiling(facts, state):
    assert ceilings(None, None, facts(start={"probes": {"connect4": state}}).start) == ()
