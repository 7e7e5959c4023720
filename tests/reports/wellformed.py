"""What every rendering has to be, whatever the target called its things: well formed, and inert.

Owns the checks alone, each by a parser of somebody else where there is one.
"""

from __future__ import annotations

import json
import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
from markdown_it import MarkdownIt

from pytest_ato.model.report import Report
from pytest_ato.reports import github
from pytest_ato.reports.markdown import summary
from pytest_ato.reports.registry import RENDERERS
from pytest_ato.reports.terminal import summary_lines

VOID = {"meta", "link"}
DRAWN = {"rect", "line", "circle"}
TAGS = set(
    """html head title style body header nav main section footer article div span p a b i bdi code
    ul ol li dl dt dd h1 h2 h3 table thead tbody tr th td details summary svg text desc""".split()
)
ATTRIBUTES = set(
    """lang charset http-equiv content name rel href class id aria-label aria-labelledby aria-hidden
    role style open data-label height width x y x1 x2 y1 y2 cx cy r rx dx text-anchor""".split()
)


class Reader(HTMLParser):
    """Refuses what is not balanced, not expected, or could load or run something."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS | VOID | DRAWN, tag
        for name, value in attrs:
            assert name in ATTRIBUTES, name
            if name == "id":
                self.ids.append(value)
            if name == "href":
                self.links.append(value)
            if name == "style":
                assert re.fullmatch(r"--d:\d+", value), value
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in DRAWN
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()

    def handle_comment(self, data):
        raise AssertionError(data)

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)


def printable(text: str) -> None:
    """No character that a terminal obeys or that hides others, and nothing that a CI log obeys."""
    unsafe = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not {char for char in text if unicodedata.category(char) in unsafe} - {"\n"}
    assert not re.search(r"^\s*::[a-z]", text, re.MULTILINE)
    assert "##[" not in text


def html(text: str) -> Reader:
    """Balanced, of known elements alone, and without a link that leads out; return what it has."""
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    for link in reader.links:
        assert link == "data:," or link[:1] == "#", link
        assert link == "data:," or link[1:] in reader.ids, link
    printable(text)
    return reader


_GFM = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_HARMLESS = set(
    """heading paragraph inline text code_inline softbreak bullet_list list_item table thead tbody
    tr th td strong""".split()
)


def markdown(text: str) -> None:
    """Whole tables, and for a parser nothing but headings, paragraphs, lists, tables and code."""
    printable(text)
    columns = 0
    for line in text.split("\n"):
        if not line.startswith("|"):
            columns = 0
            continue
        cells = line.count("|") - 1
        assert cells == (columns or cells), line
        columns = cells
    for line in text.split("\n"):
        assert line.count("`") % 2 == 0, line
        outside = "".join(line.split("`")[::2])
        assert not re.search(r"[<>\[\]!@$\\~{}]|://|www\.", outside), line
    tokens = [each for block in _GFM.parse(text) for each in (block, *(block.children or ()))]
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in tokens}
    assert kinds <= _HARMLESS, kinds - _HARMLESS


_SCHEMA = json.loads(
    (Path(__file__).parent / "data" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8")
)
_VALIDATOR = jsonschema.Draft4Validator(_SCHEMA)


def sarif(log: dict) -> None:
    """Valid by the standard's schema; each result has a location in the repository, and a name
    that lasts."""
    error = next(_VALIDATOR.iter_errors(log), None)
    assert error is None, f"{error.message[:300]} at {list(error.path)}"
    (run,) = log["runs"]
    for result in run["results"]:
        (location,) = result["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert uri
        assert not set(uri) & set("/:\\ <>"), uri
        assert location["physicalLocation"]["region"]["startLine"] == 1
        assert result["partialFingerprints"]["primaryLocationLineHash"]
        assert 0 <= float(result["properties"]["security-severity"]) <= 10


def xml(data: bytes) -> ElementTree.Element:
    """Well formed; return the root."""
    return ElementTree.fromstring(data)


COMMAND = re.compile(r"::(error|warning|notice) title=[^:,\r\n]*::[^\r\n]*")
"""One workflow command, in which nothing else is one."""


def every_form(report: Report) -> None:
    """All renderings of a report, what CI systems get of it, and what a terminal shows."""
    made = {renderer.name: renderer.render(report) for renderer in RENDERERS}
    printable(made["json"].decode())
    assert json.loads(made["json"])["verdict"] == report.verdict
    html(made["html"].decode())
    markdown(made["markdown"].decode())
    markdown(summary(report).decode())
    xml(made["junit"])
    sarif(json.loads(made["sarif"]))
    for line in github.annotated([report]):
        assert COMMAND.fullmatch(line), line
    for line in summary_lines(report, 80, color=False, location="x"):
        printable(line)
