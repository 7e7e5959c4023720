"""The summary: at most eight lines a target, also when all is well; nothing when nothing ran."""

from __future__ import annotations

import os

import pytest


def block(result, name):
    """Lines of one target's summary."""
    lines = result.outlines
    start = next(n for n, line in enumerate(lines) if line.startswith(f"{name}: "))
    end = next(n for n in range(start + 1, len(lines)) if not lines[n].startswith("  "))
    return lines[start:end]


def test_an_approved_target_is_told_too(run, vendor):
    result = run(f"--ato-target={vendor('app')}")
    told = block(result, "app")
    assert 4 <= len(told) <= 8
    assert told[0].startswith("app: APPROVE")
    assert any("ato-report/app" in line for line in told)


def test_quiet_is_one_line_a_target(run, vendor):
    result = run(f"--ato-target={vendor('app')}", f"--ato-target={vendor('bad-shell')}", "-q")
    told = [line for line in result.outlines if line.startswith(("app: ", "bad-shell: "))]
    assert len(told) == 2
    assert "REJECT" in told[1]


def test_many_audits_are_one_line_each(run, vendor, pytester):
    vendor("app")
    pytester.makepyfile(
        "def test_it(ato_trace):\n"
        "    assert {ato_trace('vendor/app').verdict for _ in range(8)} == {'APPROVE'}\n"
    )
    result = run()
    assert sum(line.startswith("app: APPROVE") for line in result.outlines) == 8
    assert not any(line.startswith("  ran ") for line in result.outlines)


def test_header_only_when_in_use(run, vendor, pytester):
    pytester.makepyfile("def test_own(): pass")
    assert "ato: " not in run().stdout.str()
    assert "ato: local runtime, auto loader, sinkhole network, reports in ato-report" in (
        run(f"--ato-target={vendor('app')}", "--ato-runtime=local").stdout.str()
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, and shows that it is enough")
def test_header_says_what_auto_chose_and_why(run, vendor):
    said = run(f"--ato-target={vendor('app')}").stdout.str()
    assert "ato: local runtime (root here), auto loader" in said


def test_no_section_when_no_audit_ran(run, vendor, pytester):
    pytester.makepyfile("def test_own(): pass")
    result = run(f"--ato-target={vendor('app')}", "-k", "test_own")
    assert result.ret == 0
    assert "APPROVE" not in result.stdout.str()


def test_colour_only_where_it_is_wanted(run, vendor):
    target = vendor("app")
    assert "\x1b[" in run(f"--ato-target={target}", "--color=yes").stdout.str()
    assert "\x1b[" not in run(f"--ato-target={target}", "--color=no").stdout.str()
