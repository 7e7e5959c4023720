"""Every page is in the site, and no link of a page leads nowhere.

`make docs` builds the site, strictly; this finds the usual faults without building it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")


def leaves(tree: object) -> list[str]:
    if isinstance(tree, str):
        return [tree]
    branches = tree.values() if isinstance(tree, dict) else tree
    return [leaf for branch in branches for leaf in leaves(branch)]


def test_every_page_is_in_the_navigation() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_bytes())
    assert sorted(leaves(site["nav"])) == [page.name for page in PAGES]


@pytest.mark.parametrize("page", [*PAGES, *sorted(ROOT.glob("*.md"))], ids=lambda page: page.name)
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    for match in _LINK.finditer(text):
        link = (match[1] or match[2]).partition("#")[0]
        if link and not link.startswith(("https://", "mailto:")):
            assert (page.parent / link).exists(), link
