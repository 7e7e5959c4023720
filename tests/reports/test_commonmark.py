"""The escape for Markdown: prose stays prose, everything else is a code span."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.model.octets import show
from pytest_ato.reports.commonmark import Inert, code, inline


@pytest.mark.parametrize(
    "sentence",
    [
        "the target exited 2 after 3 ms: only that much was audited",
        "1 critical and 2 high findings: honeytoken_exfil, reverse_shell",
        "more than 100,000 different files: counted (up to there), so 5% are left",
        "überall 漢字",
        "agent → helper executes it",
    ],
)
def test_prose_stays_as_it_is(sentence: str) -> None:
    assert inline(sentence) == sentence


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("opened /etc/passwd twice", "opened `/etc/passwd` twice"),
        ("<b>bold</b>", "`<b>bold</b>`"),
        ("![x](y) *em* _em_ __em__ a_b", "`![x](y) *em* _em_ __em__` a_b"),
        ("see http://x.example now", "see `http://x.example` now"),
        ("see www.x.example now", "see `www.x.example` now"),
        ("(www.x.example)", "`(www.x.example)`"),
        ("@someone #12", "`@someone #12`"),
        (":smile: a:b:c a: b", "`:smile: a:b:c` a: b"),
        ("a | b `c`", r"a `\x7c` b `\x60c\x60`"),
        ("# x", "`#` x"),
        ("- x", "`-` x"),
        ("1. x", "`1.` x"),
        ("--- ===", "`--- ===`"),
        (r"\<script>", r"`\<script>`"),
        ("$x$", "`$x$`"),
        ("~~~", "`~~~`"),
        ("&lt;", "`&lt;`"),
        ("", ""),
        ("   ", ""),
    ],
)
def test_what_markdown_could_read_stands_in_code(text: str, markdown: str) -> None:
    assert inline(text) == markdown


def test_nothing_makes_no_code_span() -> None:
    assert code("") == code("  ") == ""


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])))
def test_outside_of_code_is_nothing_but_words(text: str) -> None:
    markdown = inline(show(text, 500))
    assert isinstance(markdown, Inert)
    assert markdown.count("`") % 2 == 0
    assert "|" not in markdown
    outside = "".join(markdown.split("`")[::2])
    assert not set(outside) & set("<>[]{}*~#@&!\\$/^?`|")
    assert "www." not in outside.lower()
