"""Files whose TLS functions were watched: listed, and told where something was not seen."""

from __future__ import annotations

import pytest

from pytest_ato.model import events as ev
from pytest_ato.reports.html import HtmlRenderer
from pytest_ato.reports.markdown import MarkdownRenderer

FUNCTIONS = {"SSL_write": "emulated", "SSL_read": "stepped"}


def watched(path: str, **fields) -> ev.Watched:
    known = {"library": "openssl", "functions": FUNCTIONS, "dev": 1, "inode": 2, "ts": 2}
    return ev.Watched(path=path, **{**known, **fields})


def with_files(events, *files):
    return [*events[:-2], *files, *events[-2:]]


def test_a_file_that_was_watched_from_the_start_is_listed_and_no_more(events, report) -> None:
    made = report(with_files(events, watched("/usr/lib/libssl.so.3")))
    [library] = made.coverage.libraries
    assert (library.path, library.late, library.problem) == ("/usr/lib/libssl.so.3", False, "")
    assert library.functions == FUNCTIONS
    assert not any("libssl" in note for note in made.coverage.notes)
    assert made.summary.events == report(events).summary.events


def test_one_that_was_mapped_later_is_told(events, report) -> None:
    made = report(with_files(events, watched("/a"), watched("/tmp/x.so", late=True)))
    assert [one.path for one in made.coverage.libraries] == ["/tmp/x.so", "/a"]
    [note] = [note for note in made.coverage.notes if "/tmp/x.so" in note]
    assert "from when it was mapped" in note


def test_one_that_could_not_be_read_is_told_first(events, report) -> None:
    broken = watched("/opt/bad.so", library="", functions={}, problem="it is no whole ELF file")
    made = report(with_files(events, watched("/tmp/x.so", late=True), broken))
    assert made.coverage.libraries[0].path == "/opt/bad.so"
    assert any("/opt/bad.so" in note and "no whole ELF" in note for note in made.coverage.notes)


def test_many_files_are_a_list_of_bounded_length(events, report) -> None:
    files = [watched(f"/tmp/{number}.so", late=True) for number in range(2000)]
    made = report(with_files(events, *files))
    assert len(made.coverage.libraries) == 100
    assert sum("/tmp/" in note for note in made.coverage.notes) == 5
    assert any("more files were watched late" in note for note in made.coverage.notes)


@pytest.mark.parametrize("path", ["/tmp/\x1b[2J\n::error::x", "/tmp/<b>|`x`"])
def test_a_hostile_path_is_shown_harmless(events, report, path) -> None:
    made = report(with_files(events, watched(path, late=True)))
    text = "\n".join((made.coverage.libraries[0].path, *made.coverage.notes, *made.inconclusive))
    assert "\x1b" not in text
    assert "\n::" not in text
    page = HtmlRenderer().render(made).decode()
    section = page.split('id="coverage"')[1].split("</section>")[0]
    assert "<b>" not in section.split("1 file watched for TLS")[1]
    assert "Watched for TLS" in MarkdownRenderer().render(made).decode()
