"""Findings of the same behaviour made one, and numbered.

Owns what a report's list of findings looks like: one for each key, bounded in number and in
evidence, in an order that depends on nothing but the findings.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from pytest_ato.model.findings import Finding

MAX_EVIDENCE: Final = 10
"""Observations that a finding keeps, the first ones; `count` has them all."""
MAX_KEYS: Final = 200
"""Different keys of one detector; what comes after is counted in one more finding."""


class Merged:
    """Findings by key: counts are summed, the highest severity and the first evidence kept."""

    def __init__(self) -> None:
        self._by_key: dict[str, Finding] = {}
        self._keys_of: dict[str, int] = {}

    def add(self, findings: Iterable[Finding]) -> None:
        """Take findings in the order in which detectors gave them."""
        for finding in findings:
            known = self._by_key.get(finding.key)
            if known is None:
                finding, known = self._admitted(finding)
            self._by_key[finding.key] = _merge(known, finding) if known else _trimmed(finding)

    def numbered(self) -> tuple[Finding, ...]:
        """All of them, worst first and then by key, with ids from ``F-001``."""
        ordered = sorted(self._by_key.values(), key=lambda f: (-f.severity.rank, f.key))
        return tuple(
            replace(finding, id=f"F-{number:03}") for number, finding in enumerate(ordered, 1)
        )

    def _admitted(self, finding: Finding) -> tuple[Finding, Finding | None]:
        detector = finding.detector
        if self._keys_of.get(detector, 0) < MAX_KEYS:
            self._keys_of[detector] = self._keys_of.get(detector, 0) + 1
            return finding, None
        title = f"more of {detector} than a report can list one by one"
        finding = replace(finding, key=f"{detector}:more", title=title, where="")
        return finding, self._by_key.get(finding.key)


def _trimmed(finding: Finding) -> Finding:
    if len(finding.evidence) <= MAX_EVIDENCE:
        return finding
    return replace(finding, evidence=finding.evidence[:MAX_EVIDENCE])


def _merge(first: Finding, second: Finding) -> Finding:
    """One finding for both: what it says comes from the worse one, the first of equals."""
    worse = second if second.severity.rank > first.severity.rank else first
    return replace(
        worse,
        ts=min(first.ts, second.ts),
        count=first.count + second.count,
        evidence=(first.evidence + second.evidence)[:MAX_EVIDENCE],
    )
