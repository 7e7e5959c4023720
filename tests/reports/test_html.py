"""`report.html`: well formed, inert and complete, whatever the target called its things."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wellformed import html as check

from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import octets
from pytest_ato.reports.grouping import tree
from pytest_ato.reports.html import HtmlRenderer
from pytest_ato.reports.registry import is_ours
from pytest_ato.reports.words import size


def rendered(made) -> str:
    return HtmlRenderer().render(made).decode()


def words(text: str) -> str:
    return re.sub(r"\s+", " ", " ".join(check(text).words))


def test_hostile_strings_do_not_act(hostile_report, hostile_text) -> None:
    text = rendered(hostile_report(hostile_text))
    check(text)
    assert len(text) < 512 << 10


@given(st.one_of(st.text(), st.binary(max_size=300).map(octets)))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_string_acts(hostile_report, value) -> None:
    check(rendered(hostile_report(value)))


def test_the_verdict_comes_first_with_its_reason(events, report, finding) -> None:
    text = words(rendered(report(events, [finding()])))
    assert "REJECT 1 critical finding: honeytoken_exfil. The target exited 0 after 12 ms." in text
    assert text.index("REJECT") < text.index("Findings")


def test_tells_a_finding_with_lineage_evidence_and_what_to_do(events, report, finding) -> None:
    text = words(rendered(report(events, [finding()])))
    assert "F-001 a key left" in text
    assert "What to do: Do not deploy. Ask the vendor why" in text
    assert "POST key=" in text


def test_the_sections_of_the_report_are_there(events, report, finding) -> None:
    reader = check(rendered(report(events, [finding(), finding(Severity.LOW, id="F-002")])))
    assert {"findings", "timeline", "processes", "network", "honeytokens"} <= set(reader.ids)
    assert {"decisions", "coverage", "compliance", "provenance", "conditions"} <= set(reader.ids)


def test_an_absence_in_an_inconclusive_audit_is_no_none(events, report) -> None:
    text = words(rendered(report(events[:-2])))
    assert "None, which proves nothing here : the capture was not whole." in text
    assert "The event log has no end record: the capture broke off." in text


def test_a_report_of_nothing_is_well_formed(report) -> None:
    check(rendered(report([])))


def test_accepted_findings_say_by_whom(events, report, finding) -> None:
    text = words(rendered(report(events, [finding()], accepted={"exfil": "marker ato_allow"})))
    assert "marker ato_allow" in text


def test_markers_are_in_none_of_it(events, report, finding) -> None:
    assert "wJq3XtBn" not in rendered(report(events, [finding()]))


def test_a_flood_of_findings_is_bounded_and_counted(events, report, finding) -> None:
    found = [finding(Severity.LOW, id=f"F-{number:03}", key=f"k{number}") for number in range(900)]
    text = rendered(report(events, found))
    assert text.count("<article") == 250
    assert "And 450 more, in report.json." in text
    check(text)


def test_processes_hang_below_their_parents_and_none_is_lost(events, report) -> None:
    from pytest_ato.model import events as ev

    more = [ev.Fork(ts=6, pid=100 + n, child=101 + n) for n in range(40)]
    processes = report([*events[:-3], *more, *events[-3:]]).processes
    found = list(tree(processes))
    assert [process.id for _, process in found] == [f"P{n}" for n in range(1, 42)]
    assert max(depth for depth, _ in found) == 12


def test_sizes_read_as_a_person_writes_them() -> None:
    assert [size(n) for n in (0, 1023, 1024, 2488, 5 << 20, 1 << 60)] == [
        "0 B",
        "1023 B",
        "1 KiB",
        "2.4 KiB",
        "5 MiB",
        "1048576 TiB",
    ]


def test_the_file_belongs_to_a_report() -> None:
    assert is_ours("report.html")
    assert is_ours("report.html.sha256")
