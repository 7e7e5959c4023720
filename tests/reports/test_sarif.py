"""`results.sarif`: valid by the standard's schema, and what code-scanning services ask for."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wellformed import sarif as check

from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import octets
from pytest_ato.reports.sarif import SarifRenderer


def rendered(made) -> dict:
    return json.loads(SarifRenderer().render(made))


def test_is_valid_with_findings_of_every_kind(events, report, finding) -> None:
    found = [finding(severity, key=severity.value) for severity in Severity]
    found.append(finding(key="w", waived_by="waiver 7"))
    log = rendered(report(events, found))
    check(log)
    (run,) = log["runs"]
    assert [result["level"] for result in run["results"]] == [
        "error",
        "error",
        "warning",
        "note",
        "error",
        "none",
    ]
    assert run["results"][4]["suppressions"] == [{"kind": "external", "justification": "waiver 7"}]
    assert run["results"][5]["kind"] == "informational"
    assert run["invocations"][0]["executionSuccessful"] is True


def test_all_rules_are_listed_and_results_point_at_theirs(events, report, finding) -> None:
    (run,) = rendered(report(events, [finding()]))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["ATO-C2C-001", "ATO-EXF-001"]
    (result,) = run["results"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "ATO-EXF-001"
    assert rules[1]["properties"]["security-severity"] == "9.5"
    assert "external/mitre-attack/T1041" in rules[1]["properties"]["tags"]


def test_fingerprints_depend_on_the_behaviour_alone(events, report, finding) -> None:
    def prints(**fields: object) -> dict:
        (run,) = rendered(report(events, [finding(**fields)]))["runs"]
        return run["results"][0]["partialFingerprints"]

    assert prints() == prints(ts=77, id="F-009", title="told in other words", count=9)
    assert prints() != prints(key="honeytoken_exfil:gcp")


def test_an_inconclusive_audit_was_no_success(events, report) -> None:
    log = rendered(report(events[:-2]))
    check(log)
    (invocation,) = log["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "no end record" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_brackets_of_a_title_are_no_link(events, report, finding) -> None:
    (run,) = rendered(report(events, [finding(title="see [this](https://x.example)")]))["runs"]
    assert run["results"][0]["message"]["text"] == r"see \[this\](https://x.example)"


@pytest.mark.parametrize("name", ["", ".", "..", "../../etc", "a b:c", "é"])
def test_a_location_stays_below_the_repository(events, report, finding, name) -> None:
    from msgspec.structs import replace

    made = report(events, [finding()])
    check(rendered(replace(made, target=replace(made.target, name=name))))


def test_an_empty_log_is_valid(report) -> None:
    check(rendered(report([])))


def test_hostile_strings_leave_it_valid(hostile_report, hostile_text) -> None:
    data = SarifRenderer().render(hostile_report(hostile_text))
    check(json.loads(data))
    assert len(data) < 128 << 10


@given(st.one_of(st.text(), st.binary(max_size=300).map(octets)))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_string_leaves_it_valid(hostile_report, value) -> None:
    check(rendered(hostile_report(value)))
