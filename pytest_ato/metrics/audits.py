"""Audits counted for Prometheus: by verdict, findings by category and severity.

Owns the families, and adding to what an earlier run left: a run lasts minutes, a counter must not
start anew with each. Who keeps them is `sinks`' business.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from pytest_ato.metrics import build
from pytest_ato.model.findings import Category, Severity
from pytest_ato.model.verdict import Verdict

if TYPE_CHECKING:
    from pytest_ato.model.report import Report

_LARGEST: Final = 1 << 20
"""Bytes of text that are read back; ours has some 10,000."""
_AUDITS, _FINDINGS, _LOST = "ato_audits", "ato_findings", "ato_audit_events_lost"
_LAST: Final = "ato_last_audit_timestamp_seconds"

Pair: TypeAlias = tuple[str, str]
_VERDICTS: Final = frozenset(verdict.value for verdict in Verdict)
_PAIRS: Final[tuple[Pair, ...]] = tuple(
    (category.value, severity.value) for category in Category for severity in Severity
)


@dataclass
class Audits:
    """Counts of audits."""

    verdicts: Tally[str] = field(default_factory=Tally)
    findings: Tally[Pair] = field(default_factory=Tally)
    """By category and severity; waived ones are none."""
    lost: float = 0
    """Events that the capture lost."""
    last: float = 0
    """When the last of them ended, seconds since the epoch."""

    def add(self, report: Report, now: float) -> None:
        """Count one audit, which ended at `now`, seconds since the epoch."""
        self.verdicts[report.verdict.value] += 1
        for finding in report.findings:
            self.findings[finding.category.value, finding.severity.value] += 1
        self.lost += report.coverage.lost_events
        self.last = now

    def merge(self, other: Audits) -> None:
        """Add what another counted."""
        self.verdicts.update(other.verdicts)
        self.findings.update(other.findings)
        self.lost += other.lost
        self.last = max(self.last, other.last)

    def families(self) -> Iterator[Metric]:
        """Yield them with every value of every label: what never happened is 0."""
        audits = CounterMetricFamily(_AUDITS, "Audits, by verdict.", labels=["verdict"])
        for verdict in Verdict:
            audits.add_metric([verdict.value], self.verdicts[verdict.value])
        yield audits
        findings = CounterMetricFamily(
            _FINDINGS,
            "Findings of audits that nothing waived.",
            labels=["category", "severity"],
        )
        for pair in _PAIRS:
            findings.add_metric(pair, self.findings[pair])
        yield findings
        yield CounterMetricFamily(_LOST, "Events that the capture of audits lost.", self.lost)
        yield GaugeMetricFamily(_LAST, "When an audit last ended, since the epoch.", self.last)

    def register(self, registry: CollectorRegistry) -> None:
        """Have the families, as they are now, in a registry."""
        build.add(registry)
        registry.register(_Fixed(self.families()))

    def text(self) -> bytes:
        """The families as Prometheus reads them."""
        registry = CollectorRegistry()
        self.register(registry)
        return generate_latest(registry)


def parse(text: str, group: Mapping[str, str] = {}) -> Audits:
    """Read what `text` once wrote, of samples that have the labels of `group`; what is not of it is
    passed over. Raises ValueError."""
    found = Audits()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if group.items() <= sample.labels.items():
                _take(found, sample)
    return found


def _take(found: Audits, sample: Sample) -> None:
    labels = sample.labels
    if sample.name == f"{_AUDITS}_total" and labels.get("verdict") in _VERDICTS:
        found.verdicts[labels["verdict"]] += int(sample.value)
    elif sample.name == f"{_FINDINGS}_total":
        pair = (labels.get("category", ""), labels.get("severity", ""))
        found.findings[pair] += int(sample.value) if pair in _PAIRS else 0
    elif sample.name == f"{_LOST}_total":
        found.lost += sample.value
    elif sample.name == _LAST:
        found.last = max(found.last, sample.value)


def read(path: Path) -> Audits:
    """Read a file of `text`; none, or one that is no such file, counts nothing."""
    try:
        with path.open("rb") as file:
            return parse(file.read(_LARGEST).decode())
    except (OSError, ValueError):
        return Audits()


class Recorded(Collector):
    """What is in a file, anew at each scrape."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def collect(self) -> Iterable[Metric]:
        return read(self._path).families()


class _Fixed(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families
