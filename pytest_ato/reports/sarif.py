"""`results.sarif`: the findings for code-scanning services, as SARIF 2.1.0.

Owns the mapping; the shapes are in `sarif_model`. A program has no lines of source, so each result
is located at the program's own file name. A message is text in which SARIF reads links: brackets
are escaped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from pytest_ato.model.findings import Severity
from pytest_ato.model.observed import ReportRule
from pytest_ato.model.report import Report, ReportFinding
from pytest_ato.reports import sarif_model as sarif

SECURITY_SEVERITY: Final = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "0.0",
}
"""Scores in the ranges by which GitHub names them critical, high, medium and low."""
_LEVEL: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "none",
}
_ESCAPED: Final = str.maketrans({"\\": r"\\", "[": r"\[", "]": r"\]"})
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


class SarifRenderer:
    """One run with all rules, a result for each finding, and how the audit itself went."""

    name = "sarif"
    file_name = "results.sarif"

    def render(self, report: Report) -> bytes:
        """Return the whole file."""
        return document({_name(report): report})


def document(reports: Mapping[str, Report]) -> bytes:
    """Return a log with one run for each report, by the names that tell the runs apart."""
    log = sarif.Log(runs=tuple(_run(name, report) for name, report in reports.items()))
    return msgspec.json.format(_ENCODER.encode(log), indent=2) + b"\n"


def _run(name: str, report: Report) -> sarif.Run:
    rules = tuple(map(_rule, report.rules))
    index = {rule.id: number for number, rule in enumerate(rules)}
    found = (*report.findings, *report.waived, *report.notes)
    return sarif.Run(
        tool=sarif.Tool(
            driver=sarif.Driver(
                name="pytest-ato", version=report.provenance.tool_version, rules=rules
            )
        ),
        invocations=(_invocation(report),),
        results=tuple(_result(finding, report, index) for finding in found),
        automation_details=sarif.AutomationDetails(id=f"pytest-ato/{quote(name, safe='')}/"),
        properties={"verdict": report.verdict.value, "runId": report.run_id, **_phase(report)},
    )


def _phase(report: Report) -> dict[str, str]:
    return {"phase": report.target.phase} if report.target.phase else {}


def _rule(rule: ReportRule) -> sarif.Rule:
    tags = ["security", rule.category.value]
    tags += [f"external/mitre-attack/{rule.technique}"] if rule.technique else []
    return sarif.Rule(
        id=rule.id,
        name=rule.name,
        short_description=_message(rule.title or rule.name),
        full_description=_message(f"{rule.name}: {rule.title}"),
        help=_message(rule.remedy or "See the report."),
        default_configuration=sarif.Configuration(level=_LEVEL[rule.severity]),
        properties=sarif.RuleProperties(
            tags=tuple(tags), security_severity=SECURITY_SEVERITY[rule.severity]
        ),
    )


def _invocation(report: Report) -> sarif.Invocation:
    return sarif.Invocation(
        execution_successful=report.conclusive,
        start_time_utc=_utc(report.provenance.started),
        end_time_utc=_utc(report.provenance.finished),
        tool_execution_notifications=tuple(
            sarif.Notification(message=_message(sentence), level="error")
            for sentence in report.inconclusive
        ),
    )


def _utc(time: str) -> str | None:
    """Return a time of the report as SARIF wants it; None for one that is not known."""
    moment = time.removesuffix("+00:00").removesuffix("Z")
    date, _, clock = moment.partition("T")
    known = len(date) == 10 and clock.replace(":", "").replace(".", "").isdecimal()
    return f"{moment}Z" if known and moment.isascii() and moment != time else None


def _result(finding: ReportFinding, report: Report, index: dict[str, int]) -> sarif.Result:
    informational = finding.severity is Severity.INFO
    print_of = hashlib.sha256(f"{report.target.name}\0{finding.key}".encode()).hexdigest()
    return sarif.Result(
        rule_id=finding.rule,
        rule_index=index.get(finding.rule, -1),
        kind="informational" if informational else "fail",
        level=_LEVEL[finding.severity],
        message=_message(finding.title or finding.detector),
        locations=(_location(finding, report),),
        partial_fingerprints={
            "atoFindingKey/v1": print_of,
            "primaryLocationLineHash": f"{print_of[:16]}:1",
        },
        occurrence_count=max(1, finding.count),
        suppressions=tuple(_suppressions(finding)),
        properties=sarif.ResultProperties(
            security_severity=SECURITY_SEVERITY[finding.severity],
            severity=finding.severity.value,
            detector=finding.detector,
            where=finding.where if isinstance(finding.where, str) else "",
            finding_id=finding.id,
        ),
    )


def _suppressions(finding: ReportFinding) -> Iterator[sarif.Suppression]:
    if finding.waived_by:
        yield sarif.Suppression(kind="external", justification=finding.waived_by)


def _location(finding: ReportFinding, report: Report) -> sarif.Location:
    actor = finding.lineage[-1].path if finding.lineage else ""
    logical = (
        (sarif.LogicalLocation(fully_qualified_name=actor, kind="process"),)
        if isinstance(actor, str) and actor
        else ()
    )
    return sarif.Location(
        physical_location=sarif.PhysicalLocation(
            artifact_location=sarif.ArtifactLocation(uri=_uri(report)),
            region=sarif.Region(start_line=1),
        ),
        logical_locations=logical,
    )


def _uri(report: Report) -> str:
    """The target's name as a relative reference that nothing can climb out of."""
    return quote(_name(report), safe="")


def _name(report: Report) -> str:
    return report.target.name if report.target.name.strip(".") else "unknown-target"


def _message(text: str) -> sarif.Message:
    return sarif.Message(text=text.translate(_ESCAPED))
