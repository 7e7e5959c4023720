"""Pages that are made from code are as the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

from pytest_ato.detectors import registry

DOCS = Path(__file__).parents[2] / "docs"


def test_options_page_is_up_to_date() -> None:
    page = runpy.run_path(str(DOCS / "generate.py"))["options_page"]()
    assert (DOCS / "options.md").read_text() == page, "run: make docs"


def test_action_page_is_up_to_date() -> None:
    page = runpy.run_path(str(DOCS / "generate.py"))["action_page"]()
    assert (DOCS / "github-action.md").read_text() == page, "run: make docs"


def test_detectors_page_is_up_to_date() -> None:
    page = runpy.run_path(str(DOCS / "detectors_page.py"))["page"]()
    assert (DOCS / "detectors.md").read_text() == page, "run: make docs"


def test_each_detector_says_what_it_is_for_and_what_not() -> None:
    for detector in registry.builtin():
        definition = detector.definition
        assert all((definition.fires, definition.silent, definition.technique)), definition.name
