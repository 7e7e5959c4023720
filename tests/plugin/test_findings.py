"""Findings filter, count, and never lie by being empty."""

from __future__ import annotations

import pytest

from pytest_ato.model.errors import CaptureIncomplete
from pytest_ato.model.findings import Category, Finding, Severity
from pytest_ato.plugin.findings import Findings, Scope

DETECTORS = frozenset({"honeytoken_exfil", "beaconing", "dns_tunnel"})


def finding(detector: str, category: Category, severity: Severity) -> Finding:
    return Finding(
        ts=1,
        detector=detector,
        rule="ATO-TST-001",
        category=category,
        severity=severity,
        title="what happened",
        key=f"{detector}:x",
    )


EXFIL = finding("honeytoken_exfil", Category.EXFIL, Severity.CRITICAL)
BEACON = finding("beaconing", Category.C2, Severity.HIGH)
MILD_BEACON = finding("beaconing", Category.C2, Severity.LOW)
WHOLE = Scope(DETECTORS)
BROKEN = Scope(DETECTORS, incomplete=("7 events were lost",))
OFFLINE = Scope(DETECTORS, unjudged={"dns": "no network", "dns_tunnel": "no network"})
READERS = [
    bool,
    len,
    list,
    lambda view: view[0],
    lambda view: view[:1],
    lambda view: view == [],
    lambda view: view != [],
    lambda view: EXFIL in view,
    lambda view: list(reversed(view)),
    lambda view: any(view),
]


def test_filters_by_category_detector_and_severity_and_chains():
    findings = Findings([EXFIL, BEACON, MILD_BEACON], WHOLE)
    assert list(findings.exfil) == [EXFIL]
    assert list(findings.beaconing) == [BEACON, MILD_BEACON]
    assert list(findings.low) == [MILD_BEACON]
    assert list(findings.c2.high) == [BEACON]
    assert findings.beaconing.low[0] is MILD_BEACON
    assert len(findings) == 3
    assert findings.c2 == [BEACON, MILD_BEACON]


def test_an_empty_view_of_a_whole_capture_is_falsy():
    findings = Findings([EXFIL], WHOLE)
    assert not findings.c2
    assert len(findings.beaconing) == 0
    assert findings.dns == []
    assert list(findings.exfil.low) == []


@pytest.mark.parametrize("read", READERS)
def test_an_empty_view_of_a_broken_capture_cannot_be_read(read):
    findings = Findings([EXFIL], BROKEN)
    for view in (findings.c2, findings.beaconing, findings.exfil.low, Findings([], BROKEN)):
        with pytest.raises(CaptureIncomplete, match="7 events were lost"):
            read(view)


def test_what_was_found_in_a_broken_capture_stands():
    findings = Findings([EXFIL], BROKEN)
    assert findings
    assert findings.exfil
    assert list(findings.critical) == [EXFIL]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", ["dns", "dns_tunnel"])
def test_what_nobody_could_watch_is_neither_pass_nor_falsy(read, name):
    view = getattr(Findings([EXFIL], OFFLINE), name)
    for narrowed in (view, view.high):
        with pytest.raises(CaptureIncomplete, match=rf"findings\.{name}.* was not judged: no net"):
            read(narrowed)


def test_an_unknown_name_is_refused_with_the_known_ones():
    findings = Findings([], WHOLE)
    with pytest.raises(AttributeError, match=r"no 'exfill'; known are: exfil, .*beaconing.*low"):
        _ = findings.exfill
    with pytest.raises(AttributeError, match=r"trace\.notes"):
        _ = findings.info
    assert not hasattr(findings, "_private")


@pytest.mark.parametrize("scope", [WHOLE, BROKEN, OFFLINE])
def test_repr_is_one_short_line_and_never_raises(scope):
    for view in (Findings([], scope), Findings([EXFIL] * 9 + [BEACON] * 5, scope).c2.high):
        assert len(repr(view)) < 200
        assert "\n" not in repr(view)
    assert "not judged" in repr(Findings([], OFFLINE).dns)
    assert "not whole" in repr(Findings([], BROKEN).exfil)
    assert repr(Findings([EXFIL, BEACON], WHOLE)) == (
        "<Findings: 2 (1 critical, 1 high): honeytoken_exfil, beaconing>"
    )


def test_a_hostile_detector_name_cannot_break_the_repr():
    names = [finding(f"d{'x' * 50}{n}\n\x1b[2J", Category.C2, Severity.HIGH) for n in range(20)]
    text = repr(Findings(names, WHOLE))
    assert len(text) < 200
    assert text.isprintable()


def test_dir_offers_what_there_is():
    assert {"exfil", "beaconing", "critical"} <= set(dir(Findings([], WHOLE)))
