"""`ato policy`: check, suggest, schema."""

from __future__ import annotations

import json


def test_check_says_what_a_policy_holds(ato, tmp_path):
    (tmp_path / "p.yaml").write_text("declared: {domains: [a.example]}\nallow: [beaconing]\n")
    result = ato("policy", "check", "p.yaml")
    assert result.returncode == 0
    assert "domains: 1 declared" in result.stdout
    assert "files: not stated, so not judged" in result.stdout


def test_check_says_what_is_wrong(ato, tmp_path):
    (tmp_path / "p.yaml").write_text("declared: {domains: [a.example, '*']}\n")
    result = ato("policy", "check", "p.yaml")
    assert result.returncode == 2
    assert "p.yaml: declared.domains[1]: " in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_suggestion_declares_what_a_run_did(ato, program, tmp_path):
    ato("run", program("app-rawip-odd"))
    log = "ato-report/app-rawip-odd/events.jsonl"
    result = ato("policy", "suggest", log, "-o", "p.yaml")
    assert result.returncode == 0, result.stderr
    text = (tmp_path / "p.yaml").read_text()
    assert '- "203.0.113.9"  # went to 203.0.113.9' in text
    assert ato("policy", "check", "p.yaml").returncode == 0
    judged = ato("run", program("app-rawip-odd"), "--policy=p.yaml", "-q")
    assert judged.returncode == 0
    assert ": APPROVE: " in judged.stdout
    assert ato("policy", "suggest", log, "-o", "p.yaml").returncode == 2  # it is there already


def test_a_service_is_suggested_as_one(ato, program, tmp_path):
    ato("run", program("app-hang"))
    (tmp_path / "p.yaml").write_text(
        ato("policy", "suggest", "ato-report/app-hang/events.jsonl").stdout
    )
    judged = ato("run", program("app-hang"), "--policy=p.yaml", "-q")
    assert ": APPROVE WITH CONDITIONS: " in judged.stdout


def test_a_bad_run_is_said_to_be_one(ato, program):
    ato("run", program("app-shell"))
    result = ato("policy", "suggest", "ato-report/app-shell/events.jsonl")
    assert result.returncode == 1
    assert "reverse_shell" in result.stderr
    assert result.stdout.startswith("# What app-shell did")


def test_the_schema_is_json(ato):
    assert json.loads(ato("policy", "schema").stdout)["title"] == "pytest-ato policy"
