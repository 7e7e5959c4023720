"""From facts to the report: what it says, in whose words, and what it leaves out."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pytest_ato.analysis import Analysis
from pytest_ato.model import events as ev
from pytest_ato.policy.verdict import judge
from pytest_ato.reports.build import build, masked

SECRET = "wJq3XtBnFEm7K1MDnGzbPxRciCYq0EXAMPvKeyZz"


def facts_of(events):
    analysis = Analysis()
    for event in events:
        analysis.feed(event)
    return analysis.facts()


def changed(events, kind, **fields):
    return [replace(event, **fields) if type(event) is kind else event for event in events]


def with_spec(events, **fields):
    audit = events[0]
    return [replace(audit, spec=replace(audit.spec, **fields)), *events[1:]]


def test_the_command_line_is_masked(events, report) -> None:
    argv = report(events).target.argv
    assert argv[:2] == ("/srv/drop/vendor-bin", "--token")
    assert argv[2].startswith("‹aws_secret:40:")  # noqa: RUF001


def test_personal_data_of_the_planted_document_is_masked(events, report, finding) -> None:
    made = report(events, [finding(title="ann.lee@example.net left with 123-45-6789")])
    assert "ann.lee" not in made.findings[0].title
    assert "6789" not in made.findings[0].title
    assert "left with" in made.findings[0].title


@pytest.mark.parametrize(
    ("event", "address"),
    [
        (("inet", "198.18.0.5", 443), "paste.example.org:443"),
        (("inet", "203.0.113.9", 4444), "203.0.113.9:4444"),
        (("inet6", "2001:db8::7", 443), "[2001:db8::7]:443"),
    ],
)
def test_destinations_read_as_the_program_named_them(events, report, event, address) -> None:
    family, host, port = event
    connect = ev.Connect(ts=9, pid=100, source="kernel", family=family, address=host, port=port)
    assert address in report([*events[:-2], connect, *events[-2:]]).summary.addresses


def test_a_network_without_a_proxy_is_told(events, report) -> None:
    assert not any("TLS proxy" in note for note in report(events).coverage.notes)
    without = changed(events, ev.Start, tls_proxy=False)
    assert any("there was no TLS proxy" in note for note in report(without).coverage.notes)


def test_a_packet_without_ports_is_named_by_its_protocol(events, report) -> None:
    ping = ev.Datagram(ts=9, protocol="icmp", client="10.0.0.2", address="203.0.113.9", size=64)
    summary = report([*events[:-2], ping, *events[-2:]]).summary
    assert "203.0.113.9 icmp" in summary.addresses
    assert summary.bytes_out == 1234 + 64


def test_detectors_that_could_not_run_are_told(events) -> None:
    from pytest_ato.detectors.interface import Definition, Idle
    from pytest_ato.model.findings import Category, Severity

    beacon = Definition(
        rule="ATO-C2C-001",
        name="beaconing",
        category=Category.C2,
        severity=Severity.HIGH,
        title="t",
        technique="T1071",
        wants=(ev.Connect,),
        needs=frozenset({"sinkhole"}),
    )
    idle = Idle(beacon, beacon.cannot_work("none", ()))
    facts = facts_of(with_spec(events, network="none"))
    coverage = build(facts, judge([], facts), watching=(), skipped=(idle,)).coverage
    assert coverage.not_run == {"beaconing": "needs network sinkhole, not none"}
    assert coverage.unavailable["c2"] == (
        "its detectors cannot work: beaconing needs network sinkhole, not none"
    )
    assert "the target had no network" in coverage.notes
    assert "detectors that did not run, for want of a network: beaconing" in coverage.notes


@pytest.mark.parametrize(
    ("kind", "fields", "note"),
    [
        (ev.Start, {"probes": {"open": "live", "exec": "live", "x": "missing"}}, "probes: x"),
        (
            ev.End,
            {"counters": {"bulk": ev.Counters(produced=1, consumed=1, truncated=3)}},
            "3 values were longer than their buffers",
        ),
        (
            ev.End,
            {"output_bytes": {"stdout": 5 << 30}},
            "5,368,709,120 bytes were written to stdout: only the first 1,048,576 are kept",
        ),
        (ev.Audit, {"tool_version": "9.9"}, "captured by version 9.9, analysed by"),
    ],
)
def test_what_was_not_seen_is_told_in_words(events, report, kind, fields, note) -> None:
    made = report(changed(events, kind, **fields))
    assert [sentence for sentence in made.coverage.notes if note in sentence]
    assert made.conclusive


def test_counts_beyond_the_bound_are_told(events, report, monkeypatch) -> None:
    from pytest_ato.analysis.distinct import Distinct

    monkeypatch.setattr(Distinct, "COUNTED", 2)
    reads = [ev.Open(ts=6, pid=100, call="open", path=f"/f{n}", result=3) for n in range(9)]
    made = report([*events[:-2], *reads, *events[-2:]])
    assert made.summary.files_read == 2
    assert "more than 2 different files read: counted up to there" in made.coverage.notes


def test_losses_are_summed_over_their_sources(events, report) -> None:
    lost = ev.Lost(ts=9, source="sinkhole", reason="it ended", count=4)
    end = {"counters": {"bulk": ev.Counters(produced=9, consumed=6, lost=3, unread=1)}}
    made = report(changed([*events[:-2], lost, *events[-2:]], ev.End, **end))
    assert made.coverage.lost_events == 7
    assert made.coverage.unread == 1
    assert made.verdict == "INCONCLUSIVE"


def test_a_judgement_shown_by_itself_is_masked_as_well(events, finding) -> None:
    facts = facts_of(events[:-2])
    raw = judge([finding(title=f"\x1b{SECRET}")], facts, failures=[f"\x1b{SECRET}"])
    shown = masked(raw, facts)
    assert SECRET in repr(raw)
    assert SECRET not in repr(shown)
    assert "\x1b" not in shown.inconclusive[-1] + shown.findings[0].title
    assert shown.verdict is raw.verdict
