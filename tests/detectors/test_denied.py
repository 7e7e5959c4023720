"""What a policy denies is a finding, also when it failed, and also when it is declared."""

from __future__ import annotations

import pytest

from pytest_ato.detectors.denied import Denied
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model.policy import Declared, Policy, Terms
from pytest_ato.model.policy import Denied as Part


@pytest.fixture
def keys(log):
    """Keys of what is found in a busy log under a policy that denies ``fields``."""
    log.dns("updates.vendor.example", "198.18.0.7", pid=log.root)
    log.tcp(log.root, "203.0.113.9", 8443, b"x")
    log.open(log.root, "/etc/shadow", result=-13)
    log.spawn(log.root, "/bin/sh", "-c", "true", file="/usr/bin/dash")

    def run(declared=None, **fields):
        policy = Policy(deny=Part(**fields), declared=declared)
        pipeline = Pipeline([Denied], Terms(policy=policy))
        for event in log.events:
            pipeline.feed(event)
        pipeline.finish()
        assert pipeline.failures == ()
        return [finding.key for finding in pipeline.findings]

    return run


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"domains": ("*.vendor.example",)}, "denied:domains:updates.vendor.example"),
        ({"cidrs": ("203.0.113.0/24",)}, "denied:addresses:203.0.113.9"),
        ({"files": ("/etc/shadow",)}, "denied:files:/etc/shadow"),
        ({"children": ("sh",)}, "denied:children:/bin/sh"),
    ],
)
def test_what_is_denied_is_a_finding(keys, fields, key):
    assert keys(**fields) == [key]


def test_the_nearest_is_none(keys):
    fields = {
        "domains": ("vendor.example",),
        "cidrs": ("203.0.113.8",),
        "files": ("/etc/shadow-",),
        "children": ("bash",),
    }
    assert keys(**fields) == []


def test_a_declaration_lifts_no_denial(keys):
    declared = Declared(domains=("updates.vendor.example",))
    assert keys(declared, domains=("updates.vendor.example",)) != []
