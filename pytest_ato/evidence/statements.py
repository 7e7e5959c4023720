"""in-toto Statements (v1) about an audit: what ran and was traced, and what the test came to.

Owns the mapping from a report to the predicates ``runtime-trace/v0.1`` and ``test-result/v0.1`` of
the in-toto attestation framework. Both have the target as their subject, and name by digest the
raw log, the report and the policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from pytest_ato.evidence.canonical import Json, canonical
from pytest_ato.evidence.coarse import mask_sensitive_fields
from pytest_ato.model.report import Report
from pytest_ato.model.verdict import Verdict

STATEMENT: Final = "https://in-toto.io/Statement/v1"
RUNTIME_TRACE: Final = "https://in-toto.io/attestation/runtime-trace/v0.1"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
_MONITOR: Final = "https://pypi.org/project/pytest-ato"
_RESULTS: Final = {
    Verdict.APPROVE: "PASSED",
    Verdict.CONDITIONS: "WARNED",
    Verdict.REVIEW: "FAILED",
    Verdict.REJECT: "FAILED",
    Verdict.INCONCLUSIVE: "FAILED",
}
DIGESTED: Final = ("events.jsonl", "report.json")
"""Files that both predicates name."""


class _Digests(msgspec.Struct, frozen=True):
    sha256: str = ""


class _Resource(msgspec.Struct, frozen=True):
    name: str = ""
    digest: _Digests = _Digests()


class _Predicate(msgspec.Struct, frozen=True):
    evidence: tuple[_Resource, ...] = ()
    configuration: tuple[_Resource, ...] = ()


class Statement(msgspec.Struct, frozen=True, rename={"predicate_type": "predicateType"}):
    """As much of a statement as verification reads."""

    subject: tuple[_Resource, ...]
    predicate_type: str
    predicate: _Predicate

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of the files that it names."""
        resources = (*self.predicate.evidence, *self.predicate.configuration)
        return {each.name: each.digest.sha256 for each in resources}


def of_trace(report: Report, digests: Mapping[str, str]) -> bytes:
    """Return the statement of what was traced; `digests` are SHA-256 by file name."""
    provenance, summary = report.provenance, report.summary
    return _statement(
        report,
        RUNTIME_TRACE,
        {
            "monitor": {
                "type": f"{_MONITOR}@{provenance.tool_version}",
                "configSource": _policy(report),
                "tracePolicy": {
                    "loader": provenance.loader,
                    "network": provenance.network,
                    "detectors": provenance.detectors,
                },
            },
            "monitoredProcess": {
                "hostID": f"urn:pytest-ato:run:{report.run_id}",
                "type": "https://www.kernel.org",
                "event": report.ended.sentence,
            },
            "monitorLog": {
                "process": summary.programs,
                "network": mask_sensitive_fields(summary.addresses),
                "fileAccess": _descriptors(digests),
            },
            "metadata": {
                "runId": report.run_id,
                "startedOn": provenance.started,
                "runMs": round(report.ended.run_ms),
                "kernel": provenance.kernel,
                "conclusive": report.conclusive,
                "manifestSha256": provenance.manifest_sha256,
            },
            "evidence": _descriptors(digests),
        },
    )


def of_result(report: Report, digests: Mapping[str, str]) -> bytes:
    """Return the statement of the verdict; each detector that looked is a test."""
    failed = {finding.detector for finding in report.findings}
    waived = {finding.detector for finding in report.waived} - failed
    looked = {each.partition(" ")[2] for each in report.provenance.detectors}
    return _statement(
        report,
        TEST_RESULT,
        {
            "result": _RESULTS[report.verdict],
            "configuration": [_policy(report), *_descriptors(digests)],
            "passedTests": sorted(looked - failed - waived) if report.conclusive else [],
            "warnedTests": sorted(waived),
            "failedTests": sorted(failed),
            "verdict": report.verdict.value,
            "conclusive": report.conclusive,
            "reason": mask_sensitive_fields(report.reason),
            "runId": report.run_id,
        },
    )


def _statement(report: Report, predicate_type: str, predicate: Json) -> bytes:
    return canonical(
        {
            "_type": STATEMENT,
            "subject": [
                {"name": report.target.name or "?", "digest": {"sha256": report.target.sha256}}
            ],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def _descriptors(digests: Mapping[str, str]) -> list[Json]:
    return [{"name": name, "digest": {"sha256": digests[name]}} for name in DIGESTED]


def _policy(report: Report) -> Json:
    """Return the policy as a resource: the file by its digest, or the tool's own rules by name."""
    if report.policy is not None:
        return {"name": report.policy.name, "digest": {"sha256": report.policy.sha256}}
    return {"name": f"built-in policy of pytest-ato {report.provenance.tool_version}"}
