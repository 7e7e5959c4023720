"""What an audit puts into the evidence log, in the evidence view.

Owns the payloads' shapes: one of the audit, one of each finding, one of the verdict with the
digests of the report's files. Fields are only added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_ato.evidence.canonical import Json
from pytest_ato.evidence.coarse import mask_sensitive_fields
from pytest_ato.model.report import Report, ReportFinding


def of_audit(report: Report, digests: Mapping[str, str]) -> list[Json]:
    """Return the payloads of one audit; `digests` are SHA-256 by file name."""
    return [mask_sensitive_fields(each) for each in _payloads(report, digests)]


def _payloads(report: Report, digests: Mapping[str, str]) -> Iterator[Json]:
    provenance, target = report.provenance, report.target
    yield {
        "type": "audit",
        "run_id": report.run_id,
        "target": {"name": target.name, "sha256": target.sha256, "size": target.size},
        "manifest_sha256": provenance.manifest_sha256,
        "policy_sha256": provenance.policy_sha256,
        "started": provenance.started,
        "kernel": provenance.kernel,
        "loader": provenance.loader,
        "network": provenance.network,
        "signer": provenance.signer,
        "tool": f"pytest-ato {provenance.tool_version}",
    }
    for finding in report.findings:
        yield _finding(report.run_id, finding)
    for finding in report.waived:
        yield {**_finding(report.run_id, finding), "waived_by": finding.waived_by}
    yield {
        "type": "verdict",
        "run_id": report.run_id,
        "verdict": report.verdict.value,
        "conclusive": report.conclusive,
        "reason": report.reason,
        "ended": report.ended.sentence,
        "files": dict(digests),
    }


def _finding(run_id: str, finding: ReportFinding) -> dict[str, Json]:
    return {
        "type": "finding",
        "run_id": run_id,
        "id": finding.id,
        "detector": finding.detector,
        "rule": finding.rule,
        "category": finding.category.value,
        "severity": finding.severity.value,
        "key": finding.key,
        "title": finding.title,
        "count": finding.count,
    }
