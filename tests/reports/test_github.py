"""Annotations and the step's summary: obeyed by Actions, and nothing in them commands anything."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wellformed import COMMAND

from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import octets
from pytest_ato.reports import github
from pytest_ato.reports.markdown import summary


@pytest.fixture
def environment(tmp_path):
    return {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}


def test_outside_of_actions_nothing_happens(events, report, finding, tmp_path) -> None:
    made = [report(events, [finding()])]
    assert github.publish(made, {"GITHUB_STEP_SUMMARY": str(tmp_path / "s")}) == []
    assert not (tmp_path / "s").exists()


def test_findings_are_annotations_by_severity(events, report, finding, environment) -> None:
    found = [finding(Severity.MEDIUM, key="m"), finding(), finding(Severity.LOW, key="l")]
    assert github.publish([report(events, found)], environment) == [
        "::error title=vendor-bin%3A critical honeytoken_exfil::F-001 a key left",
        "::warning title=vendor-bin%3A medium honeytoken_exfil::F-001 a key left",
        "::notice title=vendor-bin%3A low honeytoken_exfil::F-001 a key left",
    ]


def test_an_inconclusive_audit_is_an_error(events, report, environment) -> None:
    (line,) = github.publish([report(events[:-2])], environment)
    assert line.startswith("::error title=vendor-bin%3A INCONCLUSIVE::the event log has no end")


def test_no_more_than_actions_shows(events, report, finding) -> None:
    made = report(events, [finding(key=f"k{n}") for n in range(50)])
    assert len(list(github.annotated([made, made]))) == 10


def test_line_ends_and_separators_are_escaped() -> None:
    line = github.command("error", "a:b,c%", "x\r\n::error::y%0A")
    assert line == "::error title=a%3Ab%2Cc%25::x%0D%0A::error::y%250A"


def test_the_summary_has_the_verdict_and_the_findings(events, report, finding) -> None:
    text = summary(report(events, [finding()])).decode()
    assert text.startswith("## REJECT: `vendor-bin`\n\n1 critical finding: honeytoken_exfil. ")
    assert "| F-001 | critical | honeytoken_exfil | a key left | 1 |" in text


def test_summaries_are_appended_up_to_the_limit(
    events, report, finding, environment, tmp_path, monkeypatch
) -> None:
    place = tmp_path / "summary.md"
    place.write_text("what another step wrote\n")
    made = report(events, [finding()])
    monkeypatch.setattr(github, "LIMIT", 3 * len(summary(made)))
    github.publish([made] * 9, environment)
    text = place.read_text()
    assert text.startswith("what another step wrote\n## REJECT")
    assert text.count("## REJECT") == 2
    assert text.endswith("see their reports.\n")
    assert place.stat().st_size <= 3 * len(summary(made))
    github.publish([made], environment)
    assert place.stat().st_size <= 3 * len(summary(made))


def test_a_summary_that_cannot_be_written_is_told(events, report, environment, tmp_path) -> None:
    environment["GITHUB_STEP_SUMMARY"] = str(tmp_path)
    (line,) = github.publish([report(events)], environment)
    assert line.startswith("::warning title=ato::the step's summary cannot be written")


def test_hostile_strings_do_not_command(hostile_report, hostile_text) -> None:
    made = hostile_report(hostile_text)
    for line in github.annotated([made]):
        assert COMMAND.fullmatch(line), line
    assert len(summary(made)) < 32 << 10


@given(st.one_of(st.text(), st.binary(max_size=300).map(octets)))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_string_commands(hostile_report, value) -> None:
    for line in github.annotated([hostile_report(value)]):
        assert COMMAND.fullmatch(line), line
