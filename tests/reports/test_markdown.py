"""`report.md`: the verdict comes first, and nothing that a target chose acts in it."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wellformed import markdown as check_inert

from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import octets
from pytest_ato.reports.markdown import MarkdownRenderer


def rendered(made) -> str:
    return MarkdownRenderer().render(made).decode()


def test_hostile_strings_do_not_act(hostile_report, hostile_text) -> None:
    text = rendered(hostile_report(hostile_text))
    check_inert(text)
    assert len(text) < 192 << 10


@given(st.one_of(st.text(), st.binary(max_size=300).map(octets)))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_string_acts(hostile_report, value) -> None:
    check_inert(rendered(hostile_report(value)))


def test_the_verdict_comes_first_with_its_reason(events, report, finding) -> None:
    text = rendered(report(events, [finding()]))
    assert text.startswith(
        "# REJECT: `vendor-bin`\n\n1 critical finding: honeytoken_exfil.\n\n"
        "The target exited 0 after 12 ms.\n\n## Findings\n"
    )


def test_tells_a_finding_with_lineage_and_evidence(events, report, finding) -> None:
    text = rendered(report(events, [finding()]))
    assert "### F-001 · critical · honeytoken_exfil\n\na key left\n" in text
    assert "- **where**: `paste.example.org:443`\n" in text
    assert "  - `/opt/drop/vendor-bin` as `vendor-bin " in text
    assert "  - POST `key=" in text


def test_sections_that_say_nothing_are_left_out(events, report) -> None:
    text = rendered(report(events))
    assert "## Findings\n\nNone.\n" in text
    for heading in ("Conditions", "Accepted", "Notes", "Why the capture"):
        assert heading not in text


def test_an_absence_in_an_inconclusive_audit_is_no_none(events, report) -> None:
    text = rendered(report(events[:-2]))
    assert "None, which proves nothing here: the capture was not whole." in text
    assert "- the event log has no end record: the capture broke off\n" in text


def test_accepted_findings_say_by_whom(events, report, finding) -> None:
    text = rendered(report(events, [finding()], accepted={"exfil": "marker ato_allow"}))
    assert "## Accepted findings\n" in text
    assert "- F-001: marker ato_allow\n" in text


def test_long_lists_are_cut_and_counted(events, report, finding) -> None:
    flood = [
        ev.Open(ts=6, pid=100, call="openat", path=f"/tmp/f{number:04}", result=3, flags=0o101)
        for number in range(500)
    ]
    findings = [
        finding(Severity.LOW, id=f"F-{number:03}", title=f"t{number}") for number in range(700)
    ]
    text = rendered(report([*events[:-2], *flood, *events[-2:]], findings))
    assert "| files written | 501 | " in text
    assert " and 481 more |" in text
    assert "\nAnd 500 more, in report.json.\n" in text
    assert "\n- and 680 more, in report.json\n" in text
    assert text.count("\n### F-") == 50


def test_no_blank_runs_and_no_trailing_blanks(events, report, finding) -> None:
    found = [finding(), finding(Severity.LOW), finding(Severity.INFO)]
    for made in (report(events, found), report(events), report([])):
        text = rendered(made)
        assert "\n\n\n" not in text
        assert text.endswith("|\n")
        assert not re.search(r"[ \t]$", text, re.MULTILINE)


def test_markers_are_in_none_of_it(events, report, finding) -> None:
    text = rendered(report(events, [finding()]))
    assert "wJq3XtBn" not in text
