"""What happened, one by one: processes, destinations, planted values and the timeline."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pytest_ato.analysis import Analysis
from pytest_ato.detectors.uses import Use
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity
from pytest_ato.policy.verdict import judge
from pytest_ato.reports.build import build

SECRET = "wJq3XtBnFEm7K1MDnGzbPxRciCYq0EXAMPvKeyZz"
MS = 1_000_000


@pytest.fixture
def log(events):
    """The log, in milliseconds after its start, with a child that talks to an address."""
    more = [
        ev.Fork(ts=8, pid=100, child=101),
        ev.Exec(ts=8, pid=101, path="/bin/curl", file="/bin/curl", argv=("curl", SECRET)),
        ev.Connect(
            ts=9,
            pid=101,
            source="kernel",
            family="inet",
            address="203.0.113.9",
            port=22,
            protocol="tcp",
        ),
        ev.Exit(ts=10, pid=101, status=7),
    ]
    answer = ev.Enrichment(
        ts=12,
        address="198.18.0.5",
        ptr="a.example",
        asn=64500,
        as_name="EXAMPLE",
        country="DE",
        basis="table of 2025",
    )
    placed = [*events[:-3], *more, *events[-3:], answer]
    start = placed[3].ts
    return [replace(event, ts=(event.ts - start) * MS + 5 * MS) for event in placed]


def test_processes_are_a_tree_without_pids(log, report) -> None:
    root, child = report(log).processes
    assert (root.id, root.parent, root.path, root.exit_status) == (
        "P1",
        "",
        "/opt/drop/vendor-bin",
        0,
    )
    assert (child.id, child.parent, child.path, child.exit_status) == ("P2", "P1", "/bin/curl", 7)
    assert (child.start_ms, child.end_ms) == (6.0, 8.0)
    assert SECRET not in repr(child)
    assert child.argv[0] == "curl"


def test_destinations_say_who_how_much_and_where(log, report) -> None:
    named, bare = report(log).destinations
    assert (named.name, named.address, named.port) == ("paste.example.org", "198.18.0.5", 443)
    assert (named.process, named.program) == ("P1", "/opt/drop/vendor-bin")
    assert (named.connections, named.bytes_out, named.bytes_in) == (1, 1234, 56)
    assert (named.ptr, named.asn, named.as_name, named.country) == (
        "a.example",
        64500,
        "EXAMPLE",
        "DE",
    )
    assert (named.basis, named.unknown) == ("table of 2025", "")
    assert (bare.name, bare.address, bare.process) == ("", "203.0.113.9", "P2")
    assert bare.unknown == "not asked; the sinkhole stood in for it"


def test_an_answer_after_the_end_is_no_disorder(log, report) -> None:
    assert report(log).conclusive


def test_honeytokens_say_who_read_them_and_where_they_went(log) -> None:
    analysis = Analysis()
    for event in log:
        analysis.feed(event)
    facts = analysis.facts()
    uses = {"customers": Use(("sh → cat",), (f"paste.example.org:443 {SECRET}",))}
    aws, customers = build(facts, judge([], facts), watching=(), uses=uses).honeytokens
    assert (aws.read_by, aws.sent_to) == ((), ())
    assert customers.path == "Documents/customers.csv"
    assert customers.read_by == ("sh → cat",)
    assert SECRET not in customers.sent_to[0]


def test_the_timeline_has_the_first_of_everything_in_order(log, report, finding) -> None:
    made = report(log, [finding(ts=9 * MS)])
    assert [(moment.kind, moment.process) for moment in made.timeline] == [
        ("start", ""),
        ("program", "P1"),
        ("finding", ""),
        ("file", "P1"),
        ("name", ""),
        ("program", "P2"),
        ("connection", "P1"),
        ("connection", "P2"),
        ("end", ""),
    ]
    assert made.timeline[2].finding == "F-001"
    assert made.timeline[-1].text == "the target exited 0 after 12 ms"


def test_a_flood_leaves_the_findings_in_the_timeline(log, report, finding) -> None:
    flood = [
        ev.Open(ts=20 * MS, pid=100, call="open", path=f"/tmp/{n}", result=3, flags=1)
        for n in range(90)
    ]
    flood += [
        ev.Connect(
            ts=20 * MS, pid=100, source="kernel", family="inet", address=f"192.0.2.{n}", port=n
        )
        for n in range(1, 200)
    ]
    found = [finding(Severity.LOW, ts=21 * MS, key=f"k:{n}") for n in range(300)]
    timeline = report([*log[:-3], *flood, *log[-3:]], found).timeline
    assert len(timeline) == 200
    assert sum(moment.kind == "finding" for moment in timeline) == 100
    assert timeline[0].kind == "start"
    assert {moment.kind for moment in timeline} >= {"end", "program", "file", "connection"}


def test_an_empty_log_has_none_of_it(report) -> None:
    made = report([])
    assert (made.processes, made.destinations, made.honeytokens, made.timeline) == ((),) * 4
