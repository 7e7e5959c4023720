"""By what a report was made: every input by digest, and the times."""

from __future__ import annotations

import hashlib
from dataclasses import replace as replaced

from msgspec.structs import replace

from pytest_ato.analysis import Analysis
from pytest_ato.detectors.interface import Definition
from pytest_ato.evidence.views import View
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Category, Severity
from pytest_ato.model.lists import KnownList, Lists
from pytest_ato.model.policy import Source, Terms
from pytest_ato.reports.provenance import provenance

SECOND = 1_000_000_000


def made(events, terms=None, watching=()):
    analysis = Analysis()
    for event in events:
        analysis.feed(event)
    return provenance(analysis.facts(), View(b"", ()), watching, terms or Terms())


def source(name, byte):
    return Source(name=name, sha256=byte * 32)


def with_spec(events, **fields):
    audit = events[0]
    return [replace(audit, spec=replace(audit.spec, **fields)), *events[1:]]


def test_every_input_is_there_by_digest(events) -> None:
    terms = Terms(
        policy_source=source("policy.yaml", "11"),
        baseline_source=source("base.json", "22"),
        lists=Lists(sources=(KnownList("bad.txt", "33" * 32, "", 1),)),
    )
    rule = Definition(
        rule="ACME-EXF-001",
        name="acme_backup",
        category=Category.EXFIL,
        severity=Severity.LOW,
        title="",
        technique="",
        source=source("rules.yaml", "44"),
    )
    answer = ev.Enrichment(ts=9, address="203.0.113.9", table="asn.csv", table_sha256="55" * 32)
    log = [*with_spec(events, stdin=b"hello"), answer]
    by = made(log, terms, [rule, replaced(rule, name="acme_other")])
    assert [(one.kind, one.sha256) for one in by.inputs] == [
        ("target", "ab" * 32),
        ("files", "cd" * 32),
        ("stdin", hashlib.sha256(b"hello").hexdigest()),
        ("policy", "11" * 32),
        ("baseline", "22" * 32),
        ("list", "33" * 32),
        ("rules", "44" * 32),
        ("table", "55" * 32),
    ]


def test_the_manifest_changes_with_every_input(events) -> None:
    found = {
        made(events).manifest_sha256,
        made(with_spec(events, stdin=b"a")).manifest_sha256,
        made(with_spec(events, stdin=b"b")).manifest_sha256,
        made(events, Terms(policy_source=source("p", "11"))).manifest_sha256,
        made(events, Terms(policy_source=source("p", "22"))).manifest_sha256,
        made(events, Terms(baseline_source=source("p", "11"))).manifest_sha256,
    }
    assert len(found) == 6


def test_anybody_can_recompute_the_manifest(events) -> None:
    by = made(events)
    lines = "".join(f"{one.sha256}  {one.kind} {one.name}\n" for one in by.inputs)
    assert hashlib.sha256(lines.encode()).hexdigest() == by.manifest_sha256


def test_the_end_is_told_by_the_kernels_clock(events) -> None:
    late = [replace(e, ts=1 + 90 * SECOND) if isinstance(e, ev.End) else e for e in events]
    assert made(late).finished == "2025-01-01T00:01:30.000+00:00"


def test_a_time_that_is_none_is_left_out(events) -> None:
    assert made([replace(events[0], started="soon"), *events[1:]]).finished == ""
    endless = [replace(e, ts=10**30) if isinstance(e, ev.End) else e for e in events]
    assert made(endless).finished == ""
    assert made(events[:1]).finished == ""


def test_the_tracer_is_told_by_digest(events) -> None:
    told = [
        replace(e, tracer="ato.bpf.o sha256:00") if isinstance(e, ev.Start) else e for e in events
    ]
    assert made(told).tracer == "ato.bpf.o sha256:00"


def test_a_log_without_records_has_no_inputs() -> None:
    by = made([])
    assert (by.inputs, by.manifest_sha256, by.started) == ((), "", "")
