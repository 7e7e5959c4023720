"""The summary in a terminal: eight lines, inside the width, the verdict first."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_ato.model import events as ev
from pytest_ato.reports.terminal import summary_lines


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def test_says_what_the_target_did_and_what_was_not_seen(events, report) -> None:
    assert summary_lines(report(events), 200, False, "ato-report/vendor-bin") == [
        "vendor-bin: APPROVE: the capture was whole, and no detector found anything that counts",
        "  ran       1 process (/opt/drop/vendor-bin); the target exited 0 after 12 ms",
        "  wrote     1 file (/tmp/out); read 1",
        "  network   1 name (paste.example.org); 1 address (paste.example.org:443)",
        "  bytes     1,234 sent, 56 received, 6 printed",
        "  not seen  without live probes: io_uring; a sinkhole answered in place of the network",
        "  report    ato-report/vendor-bin",
    ]


def test_without_a_location_there_is_no_line_for_it(events, report) -> None:
    assert len(summary_lines(report(events), 80, False)) == 6


def test_only_the_verdict_is_coloured(events, report, finding) -> None:
    plain = summary_lines(report(events, [finding()]), 80, False)
    coloured = summary_lines(report(events, [finding()]), 80, True)
    assert coloured[0] == plain[0].replace("REJECT", "\x1b[1;31mREJECT\x1b[0m")
    assert coloured[1:] == plain[1:]


def test_a_verdict_that_is_cut_is_not_coloured(events, report) -> None:
    (line, *_) = summary_lines(report(events[:-2]), 20, True)
    assert "\x1b" not in line
    assert columns(line) <= 20


@pytest.mark.parametrize("width", [0, 1, 20, 40, 79, 80, 500])
def test_lines_are_cut_to_the_width(events, report, width) -> None:
    wide = ev.Exec(ts=5, pid=100, path="/漢字" * 99, file="/x", argv=())
    made = report([*events[:6], wide, *events[6:]])
    lines = summary_lines(made, width, False, "漢" * 300)
    assert len(lines) <= 8
    assert all(columns(line) <= max(width, 20) for line in lines)
    if width == 80:
        assert columns(lines[-1]) in (79, 80)
        assert lines[-1].endswith("…")


def test_an_inconclusive_audit_says_first_what_is_missing(events, report) -> None:
    lines = summary_lines(report(events[:-2]), 200, False)
    assert "  not seen  the event log has no end record" in lines[5]


def test_long_lists_name_three_and_count_the_rest(events, report) -> None:
    flood = [
        ev.Open(ts=6, pid=100, call="open", path=f"/tmp/f{n:03}", result=3, flags=0o101)
        for n in range(150)
    ]
    lines = summary_lines(report([*events[:-2], *flood, *events[-2:]]), 200, False)
    assert "151 files (/tmp/f000, /tmp/f001, /tmp/f002 and 148 more); read 1" in lines[2]


@given(st.text(), st.integers(0, 200), st.booleans())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_string_of_a_target_or_a_path_acts(events, report, finding, text, width, color) -> None:
    more = ev.Exec(ts=5, pid=100, path=text, file=text, argv=(text,))
    made = report([*events[:6], more, *events[6:]], [finding(title=text, detector=text)])
    lines = summary_lines(made, width, color, text)
    assert len(lines) <= 8
    for line in lines:
        bare = line.replace("\x1b[1;31m", "").replace("\x1b[0m", "")
        assert not [c for c in bare if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
