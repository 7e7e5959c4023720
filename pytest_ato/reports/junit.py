"""`junit.xml`: the audit as test results, for whoever runs `ato` without pytest.

Owns the mapping: one case for each detector (failure for its findings, *error* where its silence
proves nothing), and one for the verdict, which also fails for what no detector says. The report is
printable, so no character is left that XML forbids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pytest_ato.model.observed import ReportRule
from pytest_ato.model.report import Report, ReportFinding
from pytest_ato.model.verdict import Verdict

if TYPE_CHECKING:
    from junit_xml import TestCase, TestSuite

_DECLARATION: Final = b'<?xml version="1.0" encoding="utf-8"?>\n'
LISTED: Final = 50
"""Findings of one case that are told in full."""


class JunitRenderer:
    """One suite, as Jenkins and GitLab read it."""

    name = "junit"
    file_name = "junit.xml"

    def render(self, report: Report) -> bytes:
        """Return the whole file."""
        return document({report.target.name or "unknown target": report})


def document(reports: Mapping[str, Report]) -> bytes:
    """Return a file with one suite for each report, by the suites' names."""
    import junit_xml  # only who renders pays for it

    suites = [_suite(name, report) for name, report in reports.items()]
    text: str = junit_xml.to_xml_report_string(suites, prettyprint=False)
    return _DECLARATION + text.encode() + b"\n"


def _suite(name: str, report: Report) -> TestSuite:
    import junit_xml

    return junit_xml.TestSuite(
        name,
        tuple(_cases(report)),
        timestamp=report.provenance.started or None,
        properties={
            "ato_verdict": report.verdict.value,
            "ato_run_id": report.run_id,
            "ato_target_sha256": report.target.sha256,
            **({"ato_phase": report.target.phase} if report.target.phase else {}),
            "ato_tool_version": report.provenance.tool_version,
        },
    )


def warm() -> None:
    """Load the library; for whoever has to wait for something else anyway."""
    import junit_xml  # noqa: F401


def _cases(report: Report) -> Iterator[TestCase]:
    by_rule: dict[str, list[ReportFinding]] = {}
    for finding in report.findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    for rule in report.rules:
        yield _detector(report, rule, by_rule.get(rule.id, []))
    yield _verdict(report)


def _detector(report: Report, rule: ReportRule, found: Sequence[ReportFinding]) -> TestCase:
    case = _case(report, rule.name)
    if found:
        titles = "; ".join(finding.title for finding in found[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        case.add_failure_info(titles + more, _told(found), failure_type=rule.id)
    elif rule.not_run:
        case.add_skipped_info(f"did not run: {rule.not_run}")
    elif not report.conclusive:
        case.add_error_info(
            "INCONCLUSIVE: nothing was found, which proves nothing",
            "\n".join(report.inconclusive),
            error_type="INCONCLUSIVE",
        )
    return case


def _verdict(report: Report) -> TestCase:
    case = _case(report, "verdict")
    if report.verdict is Verdict.INCONCLUSIVE:
        reasons = "\n".join(report.inconclusive)
        case.add_error_info(f"INCONCLUSIVE: {report.reason}", reasons, error_type="INCONCLUSIVE")
    elif report.verdict in (Verdict.REJECT, Verdict.REVIEW):
        verdict = report.verdict.value
        case.add_failure_info(f"{verdict}: {report.reason}", failure_type=verdict)
    return case


def _case(report: Report, name: str) -> TestCase:
    import junit_xml

    target = report.target.name or "unknown target"
    return junit_xml.TestCase(name, classname=f"ato.{target}", allow_multiple_subelements=False)


def _told(found: Sequence[ReportFinding]) -> str:
    lines: list[str] = []
    for finding in found[:LISTED]:
        times = f", {finding.count} times" if finding.count > 1 else ""
        lines.append(f"{finding.id} {finding.severity.value}{times}: {finding.title}")
        lines += [f"  seen: {seen.text}" for seen in finding.evidence]
        lines += [f"  what to do: {finding.remedy}"] * bool(finding.remedy)
    if len(found) > LISTED:
        lines.append(f"and {len(found) - LISTED} more, in report.json")
    return "\n".join(lines)
