"""`ato detectors`: a line for each, everything about one, and rules tested on their examples."""

from __future__ import annotations

from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "rules.yaml"


def test_list(ato):
    result = ato("detectors", "list", scripted=False)
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert any(line.startswith("ATO-C2C-009   beaconing") for line in lines)
    assert lines == sorted(lines)


def test_list_with_own_rules(ato):
    result = ato("detectors", "list", "--rules", str(EXAMPLE), scripted=False)
    assert "acme_cloud_copy" in result.stdout


@pytest.mark.parametrize("word", ["beaconing", "ATO-C2C-009", "ato-c2c-009"])
def test_explain(ato, word: str):
    result = ato("detectors", "explain", word, scripted=False)
    assert result.returncode == 0
    for text in ("beaconing (ATO-C2C-009)", "T1071", "Fires when", "Stays silent", "jitter = "):
        assert text in result.stdout
    assert "--ato-allow=beaconing" in result.stdout


def test_explain_an_unknown_one(ato):
    result = ato("detectors", "explain", "nothing\x1b[2J", scripted=False)
    assert result.returncode == 2
    assert "ato detectors list" in result.stderr
    assert "\x1b" not in result.stderr


def test_the_examples_of_rules(ato, tmp_path):
    result = ato("detectors", "test", str(EXAMPLE), scripted=False)
    assert result.returncode == 0
    assert "ok   ACME-EXF-001 acme_cloud_copy: 1 positive, 2 negative" in result.stdout
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(EXAMPLE.read_text().replace("argv: [rclone, version]", "argv: [copy]"))
    result = ato("detectors", "test", str(wrong), scripted=False)
    assert result.returncode == 1
    assert "FAIL ACME-EXF-001" in result.stdout
    assert "negative[0]: it fires" in result.stdout


def test_a_rule_takes_part_in_run_and_replay(ato, program, tmp_path):
    rules = tmp_path / "own.yaml"
    rules.write_text(
        """\
rules:
  - id: ACME-POL-001
    name: acme_output
    category: policy
    severity: high
    title: It speaks
    event: output
    where:
      stream: {in: [stdout, stderr]}
    positive: [{stream: stdout, data: x}]
    negative: [{stream: stdout, data: x}]
"""
    )
    result = ato("run", "--rules", "own.yaml", program("app"))
    assert result.returncode == 1, result.stderr
    assert "acme_output" in result.stdout
    log = "ato-report/app/events.jsonl"
    assert ato("replay", log, "-q", "--rules", "own.yaml", scripted=False).returncode == 1
    assert ato("replay", log, "-q", scripted=False).returncode == 0
    assert ato("run", "--rules", "none.yaml", program("app")).returncode == 2
