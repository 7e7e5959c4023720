"""The shape of `report.json`: a contract that tools outside depend on; fields are only added."""

from __future__ import annotations

import msgspec

from pytest_ato.model.events import Counters
from pytest_ato.model.findings import Finding
from pytest_ato.model.verdict import Verdict


class ReportTarget(msgspec.Struct, frozen=True, kw_only=True):
    """What was audited; `argv` is masked and printable."""

    name: str
    path: str
    sha256: str
    size: int
    argv: tuple[str, ...]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How the run ended, as data and as a sentence."""

    how: str
    status: int
    run_ms: float
    sentence: str


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What the capture could and could not see."""

    lost_events: int
    unread: int
    truncated: int
    coalesced: int
    counters: dict[str, Counters]
    probes: dict[str, str]
    tls: str = "not captured"
    flows: str = "not captured"
    notes: tuple[str, ...] = ()
    """Sentences: what was lost or not seen, for a person."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What the target did, counted; lists are sorted and bounded, the counts are whole."""

    events: int
    processes: int
    programs: tuple[str, ...]
    files_read: int
    files_written: int
    written: tuple[str, ...]
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    """``address:port`` as the program named them."""
    bytes_out: int
    bytes_in: int
    output_bytes: dict[str, int]
    survivors: tuple[str, ...]
    limits_hit: tuple[str, ...]


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """By what this report was made."""

    tool_version: str
    loader: str
    runtime: str
    network: str
    kernel: str
    manifest_sha256: str
    started: str
    detectors: tuple[str, ...]
    """``ATO-EXF-001 honeytoken_exfil``, sorted."""


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds; `analysis_ms` is from the last event to the start of rendering."""

    attach_ms: float
    run_ms: float
    analysis_ms: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One audit as everything but the raw log tells it: masked, ordered, reproducible."""

    verdict: Verdict
    conclusive: bool
    reason: str
    """One sentence why the verdict is what it is."""
    inconclusive: tuple[str, ...]
    """Why the capture was not whole; empty when it was."""
    conditions: tuple[str, ...]
    """What an approval depends on, one sentence each."""
    ended: Ended
    run_id: str
    target: ReportTarget
    findings: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    summary: Summary
    coverage: Coverage
    provenance: Provenance
    timing: Timings
