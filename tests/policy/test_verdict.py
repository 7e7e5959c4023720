"""The rules of the verdict, a row each."""

from __future__ import annotations

import itertools

import pytest

from pytest_ato.model.errors import UsageError
from pytest_ato.model.findings import Category, Severity
from pytest_ato.model.verdict import Verdict
from pytest_ato.policy.verdict import check_names, judge

INFO, LOW, MEDIUM, HIGH, CRITICAL = Severity
LOST = {"counters": {}}


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        ((), Verdict.APPROVE),
        ((INFO,), Verdict.APPROVE),
        ((LOW,), Verdict.CONDITIONS),
        ((MEDIUM,), Verdict.REVIEW),
        ((HIGH,), Verdict.REJECT),
        ((CRITICAL,), Verdict.REJECT),
        ((LOW, INFO), Verdict.CONDITIONS),
        ((LOW, MEDIUM), Verdict.REVIEW),
        ((MEDIUM, HIGH, LOW), Verdict.REJECT),
    ],
)
def test_the_worst_finding_decides(facts, finding, severities, verdict):
    for order in itertools.permutations(severities):
        judgement = judge([finding(severity) for severity in order], facts())
        assert judgement.verdict is verdict
        assert judgement.conclusive
        assert [found.severity for found in judgement.findings] == sorted(
            (severity for severity in severities if severity is not INFO),
            key=lambda severity: -severity.rank,
        )
        assert len(judgement.notes) == severities.count(INFO)


@pytest.mark.parametrize("severity", Severity)
def test_a_capture_that_was_not_whole_leaves_only_reject(facts, finding, severity):
    judgement = judge([finding(severity)], facts(end=LOST))
    bad = severity in (HIGH, CRITICAL)
    assert judgement.verdict is (Verdict.REJECT if bad else Verdict.INCONCLUSIVE)
    assert not judgement.conclusive
    assert judgement.inconclusive
    assert ("not whole" in judgement.reason) is bad


def test_a_broken_detector_makes_an_audit_inconclusive(facts):
    judgement = judge([], facts(), failures=["detector x (ATO-X) broke at the end of the log"])
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reason == "detector x (ATO-X) broke at the end of the log"


@pytest.mark.parametrize("name", ["beaconing", "c2"])
@pytest.mark.parametrize("by_spec", [True, False])
def test_accepted_findings_leave_an_approval_with_conditions(facts, finding, name, by_spec):
    others = finding(INFO, "dns_tunnel")
    found = [finding(CRITICAL), others]
    if by_spec:
        judgement = judge(found, facts(spec={"allow": (name,)}))
        by = f"allowed by name: {name}"
    else:
        judgement = judge(found, facts(), accepted={name: "marker ato_allow"})
        by = "marker ato_allow"
    assert judgement.verdict is Verdict.CONDITIONS
    assert judgement.findings == ()
    assert [waived.waived_by for waived in judgement.waived] == [by]
    assert judgement.conditions == (f"accepted ({by}): beaconing was seen",)
    assert judgement.notes == (others,)


def test_accepting_one_name_leaves_the_others(facts, finding):
    found = [finding(HIGH), finding(MEDIUM, "dns_tunnel", category=Category.DNS)]
    judgement = judge(found, facts(spec={"allow": ("beaconing",)}))
    assert judgement.verdict is Verdict.REVIEW
    assert [live.detector for live in judgement.findings] == ["dns_tunnel"]


def test_a_note_needs_no_acceptance(facts, finding):
    judgement = judge([finding(INFO)], facts(spec={"allow": ("c2",)}))
    assert judgement.verdict is Verdict.APPROVE
    assert judgement.waived == ()


def test_a_finding_that_was_waived_before_stays_waived(facts, finding):
    judgement = judge([finding(HIGH, waived_by="waiver 7")], facts())
    assert judgement.verdict is Verdict.CONDITIONS
    assert judgement.waived[0].waived_by == "waiver 7"


ENDS = [
    ({"ended": "exit"}, {}, Verdict.APPROVE),
    ({"ended": "exit", "status": 2}, {}, Verdict.CONDITIONS),
    ({"ended": "exit", "status": 2}, {"expect_exit": 2}, Verdict.APPROVE),
    ({"ended": "exit", "status": 3}, {"expect_exit": 2}, Verdict.CONDITIONS),
    ({"ended": "exit"}, {"expect_exit": 2}, Verdict.APPROVE),
    ({"ended": "signal", "status": 11}, {}, Verdict.CONDITIONS),
    ({"ended": "signal", "status": 11}, {"expect_exit": 11}, Verdict.CONDITIONS),
    ({"ended": "signal", "status": 11}, {"expect_exit": 139}, Verdict.APPROVE),
    ({"ended": "timeout"}, {}, Verdict.REVIEW),
    ({"ended": "timeout"}, {"service": True}, Verdict.CONDITIONS),
    ({"ended": "exit", "survivors": ("d",)}, {}, Verdict.REVIEW),
    ({"ended": "exit", "survivors": ("d",)}, {"service": True}, Verdict.CONDITIONS),
    ({"ended": "exit", "limits_hit": ("disk",)}, {}, Verdict.CONDITIONS),
    ({"ended": "limit"}, {}, Verdict.INCONCLUSIVE),
    ({"ended": "interrupted"}, {}, Verdict.INCONCLUSIVE),
    ({"ended": "not_started"}, {}, Verdict.INCONCLUSIVE),
]


@pytest.mark.parametrize(("end", "spec", "verdict"), ENDS)
def test_how_it_ended_is_a_ceiling(facts, finding, end, spec, verdict):
    given = facts(end=end, spec=spec)
    assert judge([], given).verdict is verdict
    # A ceiling never makes a verdict better.
    assert judge([finding(CRITICAL)], given).verdict is Verdict.REJECT
    if verdict is not Verdict.INCONCLUSIVE:
        assert judge([finding(MEDIUM)], given).verdict is Verdict.REVIEW


def test_each_verdict_gives_its_reason_in_one_sentence(facts, finding):
    assert judge([], facts()).reason == (
        "the capture was whole, and no detector found anything that counts"
    )
    several = [finding(CRITICAL), finding(HIGH, "dns_tunnel"), finding(HIGH), finding(LOW, "x")]
    assert judge(several, facts()).reason == "1 critical and 2 high findings: beaconing, dns_tunnel"
    assert judge([finding(MEDIUM)], facts()).reason == "1 medium finding: beaconing"
    crash = facts(end={"ended": "exit", "status": 2})
    assert judge([], crash).reason == "the target exited 2 after 3 ms: only that much was audited"
    both = judge([finding(LOW), finding(LOW, "y")], crash)
    assert both.reason.endswith("only that much was audited (and 2 more conditions)")
    hang = facts(end={"ended": "timeout", "run_ms": 60_004.0})
    assert judge([], hang).reason == (
        "the target was still running after 60 s: what it does later was not audited"
    )
    assert judge([], facts(end=None)).reason.startswith("the event log has no end record")
    many = [finding(HIGH, f"d{number}") for number in range(9)]
    assert judge(many, facts()).reason == "9 high findings: d0, d1, d2, d3, d4 and 4 more"


def test_a_service_names_the_window_that_was_observed(facts):
    served = facts(end={"ended": "timeout", "run_ms": 60_004.0}, spec={"service": True})
    assert judge([], served).conditions == ("the observed window of 60 s is a condition",)


def test_unknown_names_are_refused_with_the_known_ones():
    check_names(["exfil", "beaconing"], {"beaconing"})
    with pytest.raises(UsageError, match=r"'beacons'; known are: beaconing, c2, credential_access"):
        check_names(["exfil", "beacons"], {"beaconing"})
    with pytest.raises(UsageError) as caught:
        check_names(["\x1b[31m\n" * 100], {"beaconing"})
    assert str(caught.value).isprintable()
