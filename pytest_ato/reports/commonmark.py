"""Text of unknown origin as inert CommonMark, also in GitHub's dialect and in a plain terminal.

Owns the escape. Words that Markdown can read nothing into stay as they are; all others stand in
code spans, where no link, image, HTML, mention, emphasis or math is read. The input is a single
printable line already (`evidence.views`).
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final


class Inert(str):
    """Markdown that is safe to put into a document as it is."""

    __slots__ = ()


_HARMLESS: Final = re.compile(
    r"""→ | [\w.,;:'"%()+=\u2039\u203a…·-]*[^\W_][\w.,;:'"%()+=\u2039\u203a…·-]*""",
    re.VERBOSE,
)
_TEMPTING: Final = re.compile(
    r"""
      ^_ | _$ | __ | [^\w]_ | _[^\w]   # emphasis, unless the underscore is inside a word
    | ^: | :.*:                        # emoji names, workflow commands
    | www\.                            # links that need no brackets
    | ^\d{1,9}[.)]$ | ^[-+=]           # list items, underlines of headings
    """,
    re.VERBOSE | re.IGNORECASE,
)


def inline(text: str) -> Inert:
    """Return `text` as prose, each run of words that could be read as Markdown in a code span."""
    parts = []
    for plain, words in groupby(text.split(), key=_is_plain):
        run = " ".join(words)
        parts.append(run if plain else code(run))
    return Inert(" ".join(parts))


def code(text: str) -> Inert:
    """Return `text` as a code span; empty for none.

    Backticks would end the span, and a pipe the cell of a table: both are written as escapes, like
    the control characters before them.
    """
    if not text.strip():
        return Inert("")
    return Inert("`" + text.strip().replace("`", r"\x60").replace("|", r"\x7c") + "`")


def _is_plain(word: str) -> bool:
    return bool(_HARMLESS.fullmatch(word)) and not _TEMPTING.search(word)
