"""Of the site: links from a page to the repository's other files lead to the repository.

In the repository, and on the page that shows it, they are relative; the site has the pages alone.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

_LINK = re.compile(r"(\]\(|src=\")(\.\./[^)\s\"#]+)")


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, **_: object) -> str:
    """Called for each page before it is rendered."""

    def lead(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page.url), match[2]))
        if path.startswith(".."):
            raise ValueError(f"{page.file.src_path} links out of the repository: {match[2]}")
        return f"{match[1]}{config.repo_url}/blob/main/{path}"

    return _LINK.sub(lead, markdown)
