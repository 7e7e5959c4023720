"""`report.json`: the contract's keys are always there, and the bytes are the same each time."""

from __future__ import annotations

import json
import unicodedata

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import octets
from pytest_ato.model.report import Report
from pytest_ato.reports.json import JsonRenderer

TOP = {"verdict", "conclusive", "ended", "run_id", "target", "findings", "waived", "coverage"}
TOP |= {"provenance", "timing"}
FINDING = {"id", "detector", "rule", "category", "severity", "title", "key", "count", "evidence"}
COVERAGE = {"lost_events", "unread", "truncated", "coalesced", "probes", "tls", "flows"}
PROVENANCE = {"tool_version", "loader", "runtime", "network", "kernel", "manifest_sha256"}
PROVENANCE |= {"detectors"}


def test_holds_what_tools_outside_depend_on(events, report, finding) -> None:
    plain = finding(count=1, evidence=(), lineage=(), where="", waived_by="")
    data = json.loads(JsonRenderer().render(report(events, [plain])))
    assert data.keys() >= TOP
    assert data["findings"][0].keys() >= FINDING
    assert data["coverage"].keys() >= COVERAGE
    assert data["coverage"]["flows"] == "not captured"
    assert data["coverage"]["tls"] == "no TLS was seen"
    assert data["provenance"].keys() >= PROVENANCE
    assert data["timing"] == {"attach_ms": 7.5, "run_ms": 12.4, "analysis_ms": 3.5}
    assert data["target"].keys() >= {"path", "sha256", "argv"}
    assert data["verdict"] == "REJECT"


def test_says_what_the_target_did(events, report) -> None:
    summary = report(events).summary
    assert summary.programs == ("/opt/drop/vendor-bin",)
    assert summary.written == ("/tmp/out",)
    assert summary.names == ("paste.example.org",)
    assert summary.addresses == ("paste.example.org:443",)
    assert (summary.bytes_out, summary.bytes_in) == (1234, 56)
    assert (summary.processes, summary.files_read, summary.files_written) == (1, 1, 1)


def test_reads_back_as_the_report_that_it_was(events, report, finding) -> None:
    made = report(events, [finding(), finding(Severity.LOW), finding(Severity.INFO)])
    assert msgspec.json.decode(JsonRenderer().render(made), type=Report) == made


def test_an_empty_log_has_a_report(report) -> None:
    data = json.loads(JsonRenderer().render(report([])))
    assert data["verdict"] == "INCONCLUSIVE"
    assert data["ended"]["how"] == "unknown"
    assert data["target"]["name"] == ""


def test_a_flood_of_findings_is_bounded_and_told(events, report, finding) -> None:
    flood = [finding(Severity.LOW, key=f"k:{number}") for number in range(1500)]
    made = report(events, [*flood, finding(key="k:worst")])
    assert len(made.findings) == 1000
    assert made.findings[0].severity is Severity.CRITICAL
    assert "501 findings more than this report lists, none of them worse" in made.coverage.notes


def test_hostile_strings_leave_it_valid_and_small(hostile_report, hostile_text) -> None:
    check(JsonRenderer().render(hostile_report(hostile_text)))


@given(st.one_of(st.text(), st.binary(max_size=300).map(octets)))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_string_leaves_it_valid(hostile_report, value) -> None:
    check(JsonRenderer().render(hostile_report(value)))


def check(data: bytes) -> None:
    text = data.decode()
    assert json.loads(text)["verdict"] == "REJECT"
    assert len(text) < 128 << 10
    unsafe = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not {char for char in text if unicodedata.category(char) in unsafe} - {"\n"}
    assert "##[" not in text
