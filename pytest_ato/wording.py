"""The sentences in which both faces tell findings: short, one fact a line.

Everything that came from a target is escaped here. Owns no decision.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from pytest_ato.model.findings import Finding
from pytest_ato.model.octets import Octets, show
from pytest_ato.model.policy import Waiver
from pytest_ato.model.report import Report

_MOST = 8
"""Findings that are told in full; the report has them all."""
_LINKS = 6


def findings_text(findings: Iterable[Finding]) -> list[str]:
    """Three lines a finding: how bad and what, in words, by which lineage."""
    told = list(findings)
    lines = [line for finding in told[:_MOST] for line in _finding(finding)]
    if len(told) > _MOST:
        lines.append(f"  ... and {len(told) - _MOST} more")
    return lines


def count_by_severity(findings: Iterable[Finding]) -> str:
    """Count findings, worst severity first: ``1 critical, 2 low``."""
    counts = Counter(finding.severity for finding in findings)
    ordered = sorted(counts.items(), key=lambda pair: -pair[0].rank)
    return ", ".join(f"{count} {severity}" for severity, count in ordered)


def headline(category: str, findings: Iterable[Finding]) -> str:
    """Return such as ``exfil: 2 critical findings (honeytoken_exfil)``."""
    told = list(findings)
    detectors = ", ".join(dict.fromkeys(finding.detector for finding in told))
    plural = "s" if len(told) > 1 else ""
    return f"{category}: {count_by_severity(told)} finding{plural} ({detectors})"


def incomplete(reasons: Iterable[str]) -> list[str]:
    """Say why a capture was not whole."""
    return [f"  - {show(reason, 300)}" for reason in reasons]


def not_run(reasons: Mapping[str, str]) -> list[str]:
    """Say which detectors could not work, and why, a line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        by_reason.setdefault(reason, []).append(name)
    return [
        f"did not run ({show(reason)}): {', '.join(names)}" for reason, names in by_reason.items()
    ]


def waivers(reports: Iterable[Report]) -> list[str]:
    """Say which waivers have expired, and which no audit of `reports` used; each once."""
    states: dict[Waiver, set[str]] = {}
    for report in reports:
        for use in report.policy.waivers if report.policy else ():
            states.setdefault(use.waiver, set()).add(use.state)
    lines = []
    for waiver, found in states.items():
        about = show(waiver.finding or f"{waiver.detector} at {waiver.scope}", 200)
        owner = show(waiver.owner, 60)
        if "expired" in found:
            lines.append(f"waiver expired on {waiver.expires}: {about} (owner: {owner})")
        elif found == {"unused"}:
            lines.append(f"waiver is not used: {about} (owner: {owner}); remove it")
    return lines


def unsigned(problem: str) -> str:
    """Say that a report is there, but nobody signed it."""
    return f"NOT SIGNED: {show(problem, 500)}; the report is written all the same"


def report_line(directory: Path) -> str:
    """Say where the report is."""
    return f"report: {show(short_path(directory / 'report.md'), 300)}"


def short_path(path: Path) -> str:
    """Return a path relative to the working directory where it is below it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _finding(finding: Finding) -> list[str]:
    times = f", {finding.count} times" if finding.count > 1 else ""
    lines = [
        f"  {finding.severity.upper()} {finding.detector} ({finding.rule}{times})",
        f"    {show(finding.title, 300)}",
    ]
    if finding.lineage:
        links = [_name(process.path) for process in finding.lineage]
        if len(links) > _LINKS:
            links = [*links[:2], "...", *links[-_LINKS + 3 :]]
        lines.append(f"    by {' -> '.join(links)} (pid {finding.lineage[-1].pid})")
    return lines


def _name(path: Octets) -> str:
    return show(path, 500).rsplit("/", 1)[-1][:60] or "?"
