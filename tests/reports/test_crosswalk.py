"""The crosswalk: exact in its controls, careful in its words, and true for each run."""

from __future__ import annotations

import html
import json
import re

import pytest

from pytest_ato.detectors import registry
from pytest_ato.model.findings import Category
from pytest_ato.reports.crosswalk import crosswalk
from pytest_ato.reports.html import HtmlRenderer
from pytest_ato.reports.markdown import MarkdownRenderer
from pytest_ato.reports.registry import RENDERERS
from pytest_ato.reports.remedies import remedies, remedy

EXPECTED = {
    "NIST SP 800-53": "SR-3 SR-4(3) SR-5(2) SR-6(1) SR-11 SA-11(8) SI-7 CM-7 RA-5 AU-9 AU-10",
    "ISO/IEC 27001": "5.19 5.20 5.21 8.7 8.12 8.16 8.25 8.26 8.27 8.28 8.29 8.30 8.31 8.32 8.33",
    "SOC 2": "CC6.1 CC6.6 CC7.1",
    "PCI DSS": "6.3 6.5 11.3",
    "FedRAMP": "SR-3 SI-7 RA-5",
}


@pytest.mark.parametrize(("framework", "controls"), EXPECTED.items())
def test_has_exactly_these_controls(framework, controls) -> None:
    (standard,) = [each for each in crosswalk().frameworks if each.framework == framework]
    assert [row.control for row in standard.controls] == controls.split()
    assert standard.version
    assert standard.source.startswith("https://")


def test_the_regulation_is_named_by_article() -> None:
    (standard,) = [each for each in crosswalk().frameworks if each.framework == "GDPR"]
    assert [row.control for row in standard.controls] == ["Art. 25", "Art. 32", "Art. 35"]


def test_older_numbers_are_kept() -> None:
    rows = {
        (standard.framework, row.control): row.former
        for standard in crosswalk().frameworks
        for row in standard.controls
    }
    assert rows["NIST SP 800-53", "SR-3"] == "SA-12"
    assert rows["ISO/IEC 27001", "8.7"].startswith("A.12.2")
    assert rows["ISO/IEC 27001", "8.29"].startswith("A.14.2")
    assert rows["ISO/IEC 27001", "5.19"].startswith("A.15.1")


def test_what_speaks_against_a_control_exists() -> None:
    rules = {detector.definition.rule for detector in registry.builtin()}
    planned = set(remedies().rules)
    for standard in crosswalk().frameworks:
        for row in standard.controls:
            assert set(row.against) <= {*Category, *rules, *planned}, row.control
            assert bool(row.supports) != bool(row.never)


def test_every_technique_of_a_detector_has_its_name() -> None:
    names = crosswalk().attack.techniques
    for detector in registry.builtin():
        definition = detector.definition
        assert not definition.technique or definition.technique in names, definition.name


def test_every_detector_has_its_remedy() -> None:
    for detector in registry.builtin():
        assert detector.definition.rule in remedies().rules
    assert set(remedies().categories) == set(Category)
    assert remedy("ACME-EXF-001", Category.EXFIL) == remedies().categories[Category.EXFIL]


def controls(made) -> dict[tuple[str, str], object]:
    return {(each.framework, each.control): each for each in made.controls}


def test_a_finding_speaks_against_its_controls(events, report, finding) -> None:
    found = controls(report(events, [finding()]))
    assert found["ISO/IEC 27001", "8.12"].against == ("F-001",)
    assert found["ISO/IEC 27001", "8.12"].supports
    assert found["GDPR", "Art. 25"].against == ()
    assert found["MITRE ATT&CK", "T1041"].against == ("F-001",)
    assert "honeytoken_exfil" in found["MITRE ATT&CK", "T1041"].supports


def test_an_inconclusive_run_supports_nothing_that_needs_a_whole_one(events, report) -> None:
    found = controls(report(events[:-2]))
    assert found["NIST SP 800-53", "SA-11(8)"].supports == ""
    assert found["NIST SP 800-53", "SA-11(8)"].why_not == "the capture was not whole"
    assert found["NIST SP 800-53", "SR-11"].supports  # the digest is known all the same


def test_what_a_run_lacks_is_said(events, report) -> None:
    found = controls(report(events))
    assert found["ISO/IEC 27001", "8.26"].why_not == "the run had no policy"
    assert found["ISO/IEC 27001", "8.27"].why_not == "a run shows behaviour, not architecture"


def test_no_report_says_that_a_control_is_met(events, report, finding) -> None:
    claim = re.compile(r"\b(compliant|complies|certified|conforms)\b", re.IGNORECASE)
    for made in (report(events, [finding()]), report(events)):
        for renderer in RENDERERS:
            assert not claim.search(renderer.render(made).decode()), renderer.name
    assert not claim.search(json.dumps(remedies().rules))


@pytest.mark.parametrize("renderer", [HtmlRenderer(), MarkdownRenderer()], ids=["html", "markdown"])
def test_a_reader_sees_both_numberings_editions_and_sources(events, report, renderer) -> None:
    text = re.sub(r"<[^>]*>|`", " ", renderer.render(report(events)).decode())
    words = " ".join(html.unescape(text).split())
    for standard in crosswalk().frameworks:
        assert f"{standard.framework} {standard.version}" in words
        assert standard.source in words
        assert standard.note in words
        for row in standard.controls:
            assert row.control in words
            assert row.former in words
