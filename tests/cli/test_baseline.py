"""`ato baseline` and `--baseline`: save, compare, accept."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def logs(ato, program, tmp_path):
    """Logs of two versions of one target: the second goes to an address."""
    for name in ("app", "app-rawip"):
        ato("run", program(name))
    old = tmp_path / "ato-report/app/events.jsonl"
    new = tmp_path / "new.jsonl"
    text = (tmp_path / "ato-report/app-rawip/events.jsonl").read_text()
    new.write_text(text.replace('"app-rawip"', '"app"'))
    return str(old), str(new)


def test_save_diff_accept(ato, logs, tmp_path):
    old, new = logs
    assert ato("baseline", "save", "b.json", old).returncode == 0
    assert ato("baseline", "diff", "b.json", old).stdout == "app: no difference\n"
    found = ato("baseline", "diff", "b.json", new)
    assert found.returncode == 1
    assert "+ addresses: 203.0.113.9\n" in found.stdout
    assert ato("baseline", "save", "b.json", new).returncode == 2
    assert ato("baseline", "accept", "b.json", new).returncode == 0
    assert ato("baseline", "diff", "b.json", new).returncode == 0
    assert "- addresses: 203.0.113.9\n" in ato("baseline", "diff", "b.json", old).stdout
    assert json.loads((tmp_path / "b.json").read_text())["format"] == 1


def test_a_replay_compares(ato, logs):
    old, new = logs
    ato("baseline", "save", "b.json", old)
    assert ato("replay", old, "--baseline=b.json", "-q").returncode == 0
    found = ato("replay", new, "--baseline=b.json", "--allow=c2")
    assert found.returncode in (1, 2)
    found = ato("replay", new, "--baseline=b.json")
    assert "vendor_drift" in found.stdout


def test_run_updates_and_says_so(ato, program, tmp_path):
    app = program("app")
    assert ato("run", app, "--baseline=b.json").returncode == 2
    first = ato("run", app, "--baseline=b.json", "--update-baseline")
    assert first.returncode == 0
    assert "baseline of app" in first.stdout
    kept = (tmp_path / "b.json").read_bytes()
    again = ato("run", app, "--baseline=b.json", "--update-baseline")
    assert "is up to date" in again.stdout
    assert (tmp_path / "b.json").read_bytes() == kept
    assert ato("run", app, "--baseline=b.json", "-q").returncode == 0
    assert ato("run", app, "--update-baseline").returncode == 2


def test_a_capture_that_was_not_whole_changes_no_baseline(ato, program, tmp_path):
    result = ato("run", program("app-lost"), "--baseline=b.json", "--update-baseline")
    assert result.returncode == 3
    assert "left as it is" in result.stdout
    assert not (tmp_path / "b.json").exists()
    log = "ato-report/app-lost/events.jsonl"
    assert ato("baseline", "save", "b.json", log).returncode == 3


def test_what_cannot_be_used_is_one_line(ato, program, tmp_path):
    (tmp_path / "b.json").write_text("[]")
    (tmp_path / "log").write_text("{}\n")
    ato("run", program("app"))
    log = "ato-report/app/events.jsonl"
    for words in (
        ("run", program("app"), "--baseline=b.json"),
        ("baseline", "diff", "b.json", log),
        ("baseline", "diff", "absent.json", log),
        ("baseline", "save", "new.json", "log"),
        ("baseline", "save", "new.json", "absent"),
    ):
        result = ato(*words)
        assert result.returncode in (2, 3)
        assert len(result.stderr.splitlines()) == 1, result.stderr


def test_evidence_is_verified_under_the_baseline_of_the_report(ato, program):
    app = program("app")
    ato("run", app, "--baseline=b.json", "--update-baseline")
    ato("run", app, "--baseline=b.json")
    words = ("verify", "ato-report/app", "--integrity-only")
    without = ato(*words)
    assert without.returncode == 0
    assert "made against the baseline b.json (give it with --baseline)" in without.stdout
    assert "it is the same" in ato(*words, "--baseline=b.json").stdout
