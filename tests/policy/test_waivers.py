"""Which findings a waiver accepts, and until when."""

from __future__ import annotations

import datetime

import pytest
from msgspec.structs import replace

from pytest_ato.model.findings import Severity
from pytest_ato.model.policy import Declared, Policy, Waiver
from pytest_ato.model.verdict import Verdict
from pytest_ato.policy.verdict import judge
from pytest_ato.policy.waivers import day_of

DAY = datetime.date(2025, 1, 1)  # on which the audit of `facts` began


def waiver(finding=None, *, expires=DAY, **fields):
    return Waiver(finding=finding, reason="known", owner="ann", expires=expires, **fields)


def under(*waivers, **fields):
    return Policy(waivers=waivers, **fields)


def test_a_waived_finding_is_a_condition_and_stays_listed(facts, finding):
    found = finding(Severity.CRITICAL)
    judgement = judge([found], facts(), policy=under(waiver(found.key, ticket="SEC-7")))
    assert judgement.verdict is Verdict.CONDITIONS
    assert [one.waived_by for one in judgement.waived] == [
        "waived by ann until 2025-01-01, SEC-7: known"
    ]
    (use,) = judgement.waivers
    assert (use.state, use.findings) == ("used", (found.key,))


def test_a_waiver_counts_through_its_last_day(facts, finding):
    found = finding(Severity.CRITICAL)
    past = waiver(found.key, expires=DAY - datetime.timedelta(days=1))
    judgement = judge([found], facts(), policy=under(past))
    assert judgement.verdict is Verdict.REJECT
    (use,) = judgement.waivers
    assert (use.state, use.findings) == ("expired", (found.key,))


def test_a_waiver_that_matches_nothing_is_told(facts, finding):
    judgement = judge([], facts(), policy=under(waiver("beaconing:elsewhere")))
    assert judgement.verdict is Verdict.APPROVE
    assert [use.state for use in judgement.waivers] == ["unused"]


def test_an_expired_waiver_is_told_also_where_it_matches_nothing(facts):
    past = waiver("beaconing:x", expires=DAY - datetime.timedelta(days=1))
    assert [use.state for use in judge([], facts(), policy=under(past)).waivers] == ["expired"]


@pytest.mark.parametrize(
    ("scope", "where", "covered"),
    [
        ("updates.example", "updates.example:443", True),
        ("updates.example", "updates.example", True),
        ("updates.example", "cdn.updates.example:443", False),
        ("*.updates.example", "cdn.updates.example:443", True),
        ("updates.example:443", "updates.example:443", True),
        ("updates.example:443", "updates.example:8443", False),
        ("203.0.113.0/24", "203.0.113.9:4444", True),
        ("203.0.113.9", "203.0.113.10:4444", False),
        ("2001:db8::/32", "[2001:db8::1]:443", True),
        ("~/.bashrc", "/home/user/.bashrc", True),
        ("~/.config/app/**", "/home/user/.config/app/a/b", True),
        ("~/.config/app/*", "/home/user/.config/app/a/b", False),
        ("/etc/cron.d/app", "/etc/cron.d/app", True),
        ("updates.example", "", False),
    ],
)
def test_a_scope_is_a_name_an_address_or_a_path(facts, finding, scope, where, covered):
    found = replace(finding(Severity.HIGH), where=where)
    policy = under(waiver(detector=found.detector, scope=scope))
    assert bool(judge([found], facts(), policy=policy).waived) is covered


def test_a_waiver_may_name_a_category(facts, finding):
    found = replace(finding(Severity.HIGH), where="a.example:443")
    policy = under(waiver(detector=str(found.category), scope="a.example"))
    assert judge([found], facts(), policy=policy).waived


def test_allow_takes_detectors_categories_and_keys(facts, finding):
    found = finding(Severity.HIGH)
    for name in (found.detector, str(found.category), found.key):
        judgement = judge([found], facts(), policy=Policy(allow=(name,)))
        assert judgement.verdict is Verdict.CONDITIONS
        assert judgement.waived[0].waived_by == f"allowed by the policy: {name}"
    assert judge([found], facts(), policy=Policy(allow=(f"{found.key}x",))).findings


def test_a_log_without_a_day_lets_no_waiver_count(facts, finding):
    found = finding(Severity.HIGH)
    judgement = judge([found], facts(spec=None), policy=under(waiver(found.key)))
    assert judgement.verdict is Verdict.REJECT
    assert [use.state for use in judgement.waivers] == ["expired"]


@pytest.mark.parametrize(
    ("started", "day"),
    [
        ("2025-01-01T00:00:00Z", DAY),
        ("2025-01-01T00:30:00.000+00:00", DAY),
        ("2025-01-01T23:30:00-05:00", DAY + datetime.timedelta(days=1)),
        ("2025-01-01", DAY),
        ("", None),
        ("yesterday", None),
    ],
)
def test_the_day_is_in_utc(started, day):
    assert day_of(started) == day


def test_a_declared_service_may_run_on(facts):
    end = {"ended": "timeout"}
    assert judge([], facts(end=end)).verdict is Verdict.REVIEW
    declared = Policy(declared=Declared(service=True))
    assert judge([], facts(end=end), policy=declared).verdict is Verdict.CONDITIONS


def test_a_declared_exit_status_is_expected(facts):
    end = {"ended": "exit", "status": 3}
    assert judge([], facts(end=end)).verdict is Verdict.CONDITIONS
    declared = Policy(declared=Declared(exit_status=3))
    assert judge([], facts(end=end), policy=declared).verdict is Verdict.APPROVE
