"""Pages that are made from code are as the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_options_page_is_up_to_date() -> None:
    page = runpy.run_path(str(DOCS / "generate.py"))["options_page"]()
    assert (DOCS / "options.md").read_text() == page, "run: make docs"


def test_action_page_is_up_to_date() -> None:
    page = runpy.run_path(str(DOCS / "generate.py"))["action_page"]()
    assert (DOCS / "github-action.md").read_text() == page, "run: make docs"
