"""A new behaviour is one finding, one that is gone a note, and noise is neither."""

from __future__ import annotations

import os

import pytest

from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.detectors.vendor_drift import VendorDrift, comparable
from pytest_ato.model import events as ev
from pytest_ato.model.baseline import Baseline, Recorded
from pytest_ato.model.findings import Severity
from pytest_ato.model.policy import Terms


def run(log, baseline=None):
    terms = Terms(baseline=baseline, observe=True)
    pipeline = Pipeline([VendorDrift], terms)
    for event in log.events:
        pipeline.feed(event)
    pipeline.finish()
    assert pipeline.failures == ()
    return pipeline


def baseline_of(log):
    facts = {}
    for fact in comparable(run(log).context.behaviour.facts):
        facts.setdefault(str(fact.kind), []).append(fact.value)
    recorded = Recorded(facts={kind: tuple(values) for kind, values in facts.items()})
    return Baseline(targets={"app": recorded})


def version(log, seed):
    """One version's work; what differs by `seed` is noise."""
    log.dns("updates.vendor.example", f"198.18.0.{seed}", pid=log.root)
    log.dns(f"a{seed:07x}b1c2.cdn.vendor.example", f"198.18.1.{seed}", pid=log.root)
    log.tcp(log.root, f"198.18.0.{seed}", 443, b"x")
    log.tcp(log.root, f"10.0.0.{seed}", 443, b"x")
    log.write(log.root, f"/home/user/.cache/vendor/{seed:08d}.log")
    log.write(log.root, f"/tmp/tmp{seed:04d}abcd")
    log.write(log.root, f"/tmp/{'abcdefgh'[seed % 8]}ordlike")
    log.write(log.root, f"/home/user/locale/{['de_DE', 'C.utf8'][seed % 2]}/LC_MESSAGES")
    log.write(log.root, f"/proc/{1000 + seed}/oom_score_adj")
    scratch = f"/home/user/.cache/st{seed:04d}Xy"
    log.open(log.root, scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    log.add(ev.Unlink, pid=log.root, call="unlink", path=scratch, file=scratch)
    log.write(log.root, f"/home/user/.store/{seed:02x}/{seed:038x}")
    log.spawn(log.root, "/usr/bin/uname", str(seed))
    return log


@pytest.fixture
def recorded(make_log):
    return baseline_of(version(make_log(), 1))


def test_noise_is_no_difference(make_log, recorded):
    for seed in range(2, 22):
        assert run(version(make_log(), seed), recorded).findings == ()


@pytest.mark.parametrize(
    ("act", "key"),
    [
        (lambda log: log.dns("new.example", pid=log.root), "new:domains:new.example"),
        (lambda log: log.tcp(log.root, "203.0.113.9", 443, b"x"), "new:addresses:203.0.113.9"),
        (lambda log: log.tcp(log.root, "10.0.0.1", 8443, b"x"), "new:ports:8443/tcp"),
        (lambda log: log.write(log.root, "/home/user/x"), "new:files:~/x"),
        (
            lambda log: log.write(log.root, "/tmp/vendor.lock"),
            "new:temporary_files:/tmp/vendor.lock",
        ),
        (lambda log: log.open(log.root, "/srv/data"), "new:reads:/srv/data"),
        (lambda log: log.spawn(log.root, "/usr/bin/id"), "new:children:/usr/bin/id"),
        (
            lambda log: log.door(log.root, "ptrace", "PTRACE_ATTACH"),
            "new:privileges:ptrace PTRACE_ATTACH",
        ),
        (lambda log: log.door(log.root, "io_uring", "READ"), "new:syscalls:io_uring READ"),
    ],
)
def test_each_kind_of_new_behaviour_is_one_finding(make_log, recorded, act, key):
    log = version(make_log(), 2)
    act(log)
    act(log)
    (finding,) = run(log, recorded).findings
    assert finding.key == f"vendor_drift:{key}"
    assert finding.severity is Severity.MEDIUM
    assert finding.count > 1


def test_a_private_address_is_no_difference(make_log, recorded):
    log = version(make_log(), 2)
    log.tcp(log.root, "192.168.7.7", 443, b"x")
    assert run(log, recorded).findings == ()


def test_what_it_no_longer_does_is_a_note(make_log, recorded):
    log = make_log()
    log.dns("updates.vendor.example", "198.18.0.9", pid=log.root)
    findings = run(log, recorded).findings
    assert {finding.severity for finding in findings} == {Severity.INFO}
    assert "vendor_drift:gone:children:/usr/bin/uname" in [finding.key for finding in findings]


def test_a_target_that_the_baseline_does_not_know_is_no_pass(make_log):
    (finding,) = run(version(make_log(), 1), Baseline(targets={})).findings
    assert finding.key == "vendor_drift:unknown"
    assert finding.severity is Severity.MEDIUM


def test_without_a_baseline_it_does_not_run(make_log):
    assert [idle.definition.name for idle in run(make_log()).skipped] == ["vendor_drift"]
