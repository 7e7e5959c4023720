"""`junit.xml`: a case for each detector, and never green by accident."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import octets
from pytest_ato.reports.junit import JunitRenderer


def rendered(made) -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(JunitRenderer().render(made))
    (suite,) = root
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert int(suite.get("tests")) == len(list(suite.iter("testcase")))
    return cases


def kinds(case: ElementTree.Element) -> list[str]:
    return [child.tag for child in case]


def test_there_is_a_case_for_each_detector_and_the_verdict(events, report) -> None:
    cases = rendered(report(events))
    assert list(cases) == ["beaconing", "honeytoken_exfil", "verdict"]
    assert {case.get("classname") for case in cases.values()} == {"ato.vendor-bin"}
    assert [kinds(case) for case in cases.values()] == [[], [], []]


def test_a_finding_fails_its_detector_and_the_verdict(events, report, finding) -> None:
    cases = rendered(report(events, [finding(), finding(key="other", title="a second")]))
    (failure,) = cases["honeytoken_exfil"]
    assert failure.get("type") == "ATO-EXF-001"
    assert failure.get("message") == "a key left; a second"
    assert "what to do: Do not deploy." in failure.text
    assert kinds(cases["beaconing"]) == []
    assert cases["verdict"][0].get("message").startswith("REJECT: 2 critical findings")


def test_waived_findings_and_notes_fail_nothing(events, report, finding) -> None:
    cases = rendered(report(events, [finding(waived_by="x"), finding(Severity.INFO, key="i")]))
    assert [kinds(case) for case in cases.values()] == [[], [], []]


def test_silence_in_an_inconclusive_audit_is_an_error(events, report) -> None:
    cases = rendered(report(events[:-2]))
    assert [kinds(case) for case in cases.values()] == [["error"]] * 3
    assert "no end record" in cases["beaconing"][0].text


def test_a_run_out_of_time_fails_although_no_detector_says_so(events, report) -> None:
    late = [replace(e, ended="timeout") if isinstance(e, ev.End) else e for e in events]
    cases = rendered(report(late))
    assert cases["verdict"][0].tag == "failure"
    assert cases["verdict"][0].get("type") == "REVIEW"


def test_an_empty_log_is_not_green(report) -> None:
    made = replace(report([]), rules=())
    assert [kinds(case) for case in rendered(made).values()] == [["error"]]


def test_a_flood_is_bounded_and_counted(events, report, finding) -> None:
    found = [finding(key=f"k{n}", id=f"F-{n}") for n in range(120)]
    (failure,) = rendered(report(events, found))["honeytoken_exfil"]
    assert failure.get("message").endswith("and 117 more")
    assert failure.text.endswith("and 70 more, in report.json")


@pytest.mark.parametrize("text", ["\x00\x0b\ufffe\ud800", "]]>", "<a>&b;", "\x1b[2J"])
def test_what_xml_forbids_is_not_in_it(hostile_report, text) -> None:
    rendered(hostile_report(text.encode("utf-8", "replace").decode()))


def test_hostile_strings_leave_it_well_formed(hostile_report, hostile_text) -> None:
    made = hostile_report(hostile_text)
    rendered(made)
    assert len(JunitRenderer().render(made)) < 64 << 10


@given(st.one_of(st.text(), st.binary(max_size=300).map(octets)))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_string_leaves_it_well_formed(hostile_report, value) -> None:
    rendered(hostile_report(value))
