"""`--ato-policy` and its twin: errors before anything runs, waived findings, the gate."""

from __future__ import annotations

import pytest

WAIVER = """\
waivers:
  - {detector: raw_ip_egress, scope: 203.0.113.9, reason: known, owner: ann, expires: 2999-01-01}
"""


@pytest.fixture
def policy(pytester):
    def write(text):
        (pytester.path / "policy.yaml").write_text(text)
        return "--ato-policy=policy.yaml"

    return write


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("declared: {domains: [a.example, '*']}", "declared.domains[1]: "),
        ("thresholds: {nosuch: {x: 1}}", "thresholds.nosuch: "),
        ("", "is empty"),
    ],
)
@pytest.mark.parametrize("twin", [False, True], ids=["option", "ini"])
def test_a_wrong_policy_is_a_usage_error(run, vendor, pytester, policy, text, words, twin):
    option = policy(text)
    if twin:
        pytester.makeini("[pytest]\nato_policy = policy.yaml\n")
    result = run(f"--ato-target={vendor('app')}", *(() if twin else (option,)))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = result.stderr.str() + result.stdout.str()
    assert words in text
    assert "Traceback" not in text
    assert not (pytester.path / "ato-report").exists()


def test_a_waived_finding_passes_and_is_listed(run, vendor, policy):
    option = policy(WAIVER)
    result = run(f"--ato-target={vendor('app-rawip')}", option)
    assert result.ret == 0
    assert "APPROVE WITH CONDITIONS" in result.stdout.str()


def test_trace_waived_has_what_the_policy_accepts(run, vendor, policy, pytester):
    target = vendor("app-rawip")
    pytester.makepyfile(
        f"""
        def test_it(ato_trace):
            trace = ato_trace("{target}")
            assert not trace.findings
            assert [one.detector for one in trace.waived] == ["raw_ip_egress"]
            assert "waived by ann" in trace.waived[0].waived_by
            assert trace.verdict == "APPROVE WITH CONDITIONS"
        """
    )
    assert run(policy(WAIVER)).ret == 0


def test_a_waiver_that_no_audit_used_is_told_once(run, vendor, policy):
    option = policy(WAIVER)
    targets = [f"--ato-target={vendor(name)}" for name in ("app", "app-rawip")]
    assert "waiver is not used" not in run(*targets, option).stdout.str()
    result = run(targets[0], option)
    assert result.ret == 0
    assert result.stdout.str().count("waiver is not used") == 1


def test_the_gate_is_the_options_then_the_policys(run, vendor, policy):
    target = f"--ato-target={vendor('app-rawip')}"
    option = policy("fail_on: reject")
    assert run(target, option).ret == 0
    assert run(target, option, "--ato-fail-on=review").ret == 1
