"""The registry: ours, those of entry points and hooks, and what it refuses."""

from __future__ import annotations

import re
import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from pytest_ato.detectors import registry
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.model.errors import UsageError
from pytest_ato.model.findings import Category, Severity


def _detector(name="mine", rule="ACME-EXF-001"):
    class Mine(Detector):
        definition = Definition(
            rule=rule,
            name=name,
            category=Category.DRIFT,
            severity=Severity.LOW,
            title="mine",
            technique="",
        )

    return Mine


class Installed(Detector):
    """What an entry point leads to."""

    definition = _detector("installed", "ACME-POL-002").definition


class Bare(Detector):
    """Without a definition."""


def _install(monkeypatch, *values):
    points = [EntryPoint(f"p{n}", value, registry.GROUP) for n, value in enumerate(values)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group else [])


def test_ours_are_unique_ordered_and_well_named():
    definitions = [detector.definition for detector in registry.builtin()]
    rules = [definition.rule for definition in definitions]
    assert rules == sorted(set(rules))
    assert len({definition.name for definition in definitions}) == len(definitions)
    for definition in definitions:
        assert re.fullmatch(r"ATO-[A-Z0-9]{3}-\d{3}", definition.rule)
        assert re.fullmatch(r"T\d{4}(\.\d{3})?", definition.technique)
        assert definition.title
    assert {"ATO-EXF-001", "ATO-CRD-003", "ATO-CRD-004", "ATO-C2C-016"} <= set(rules)


def test_each_detector_has_its_own_file_and_a_test_beside_it(request):
    for detector in registry.builtin():
        name = detector.definition.name
        assert detector.__module__ == f"pytest_ato.detectors.{name}"
        assert (request.path.parent / f"test_{name}.py").is_file()


def test_extra_and_installed_ones_come_after_ours(monkeypatch):
    vendor = ModuleType("vendor_detectors")
    vendor.Installed = Installed
    monkeypatch.setitem(sys.modules, vendor.__name__, vendor)
    _install(monkeypatch, "vendor_detectors:Installed")
    extra = _detector()
    loaded = registry.load([extra])
    assert loaded[: len(registry.builtin())] == registry.builtin()
    assert loaded[-2:] == (Installed, extra)
    assert registry.by_name(loaded)["mine"] is extra
    covered = registry.categories(detector.definition for detector in loaded)
    assert Category.DRIFT in covered
    assert list(covered) == [category for category in Category if category in covered]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ([_detector(name="honeytoken_read")], "two detectors call themselves honeytoken_read: "),
        ([_detector(rule="ATO-EXF-001")], "two detectors call themselves ATO-EXF-001: "),
        ([_detector(), _detector(name="other")], "two detectors call themselves ACME-EXF-001"),
        ([_detector(name="My Detector")], "a detector's name is like my_detector"),
        ([_detector(rule="1")], "a detector's id is like ACME-EXF-001"),
        ([Bare], "gave Bare, which has no `definition`"),
        ([str], "gave <class 'str'>, which is not a subclass of Detector"),
        ([Installed(None)], "which is not a subclass of Detector"),
    ],
)
def test_what_cannot_be_used_is_a_usage_error(monkeypatch, extra, message):
    _install(monkeypatch)
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        registry.load(extra)
    assert "\n" not in str(caught.value)


def test_an_entry_point_that_cannot_be_imported_names_itself(monkeypatch):
    _install(monkeypatch, "no_such_module_of_a_vendor:Detector")
    with pytest.raises(UsageError, match="entry point 'p0' of an installed package cannot be"):
        registry.load()
