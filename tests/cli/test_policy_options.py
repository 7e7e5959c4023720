"""`--policy` of `ato run` and `ato replay`: what is accepted, and which gate holds."""

from __future__ import annotations

import json

import pytest

WAIVER = """\
waivers:
  - finding: "raw_ip_egress:203.0.113.9:4444/tcp"
    reason: the licence server has no name
    owner: ann
    expires: {expires}
"""


@pytest.fixture
def policy(tmp_path):
    def write(text):
        (tmp_path / "policy.yaml").write_text(text)
        return "--policy=policy.yaml"

    return write


def test_a_waived_finding_is_a_condition(ato, program, policy, tmp_path):
    option = policy(WAIVER.format(expires="2999-01-01"))
    result = ato("run", program("app-rawip"), option)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "APPROVE WITH CONDITIONS" in result.stdout
    report = json.loads((tmp_path / "ato-report/app-rawip/report.json").read_text())
    assert report["waived"][0]["waived_by"].startswith("waived by ann until 2999-01-01")
    assert report["policy"]["waivers"][0]["state"] == "used"
    assert report["policy"]["sha256"] == report["provenance"]["policy_sha256"] != ""
    again = ato("replay", "ato-report/app-rawip/events.jsonl", option, "-o", "again", "-q")
    assert again.returncode == 0
    assert (tmp_path / "again/app-rawip/report.json").read_bytes() == (
        tmp_path / "ato-report/app-rawip/report.json"
    ).read_bytes()


def test_an_expired_waiver_no_longer_counts_and_is_told(ato, program, policy):
    result = ato("run", program("app-rawip"), policy(WAIVER.format(expires="2020-02-29")))
    assert result.returncode == 1
    assert "waiver expired on 2020-02-29" in result.stdout


def test_an_unused_waiver_is_told(ato, program, policy):
    result = ato("run", program("app"), policy(WAIVER.format(expires="2999-01-01")))
    assert result.returncode == 0
    assert "waiver is not used" in result.stdout


def test_the_gate_is_the_options_then_the_policys(ato, program, policy):
    app = program("app-rawip")
    option = policy("fail_on: reject")
    assert ato("run", app, "-q").returncode == 1
    assert ato("run", app, "-q", option).returncode == 0
    assert ato("run", app, "-q", option, "--fail-on=review").returncode == 1


def test_a_wrong_policy_is_one_line_and_nothing_runs(ato, program, policy, tmp_path):
    for text in ("declared: {domains: ['*']}", "thresholds: {nosuch: {x: 1}}"):
        result = ato("run", program("app"), policy(text))
        assert result.returncode == 2
        assert "policy.yaml: " in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "ato-report").exists()
    assert ato("run", program("app"), "--policy=absent.yaml").returncode == 2
