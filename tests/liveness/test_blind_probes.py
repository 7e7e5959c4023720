"""A probe that is really detached in the middle of an audit is named, and no verdict is given."""

from __future__ import annotations

import re

import pytest

from pytest_ato.capture.probes import PROBES
from pytest_ato.model.verdict import Verdict

pytestmark = pytest.mark.privileged

NAMES = (*(probe.name for probe in PROBES if probe.proven), "fanotify")
SILENT = re.compile(r"the probe (\w+) did not see the sandbox's own test call (.*)")


@pytest.fixture(scope="module")
def auditor(faulty):
    return faulty()


@pytest.fixture(scope="module")
def target(vendor):
    return vendor("exec cat")


def silent(report) -> dict[str, str]:
    return dict(match.groups() for each in report.inconclusive if (match := SILENT.match(each)))


@pytest.mark.parametrize("name", NAMES)
def test_a_probe_detached_before_the_target_is_named(auditor, target, name):
    report = auditor.audit(target, f"before blind {name}").report
    assert (report.verdict, report.conclusive) == (Verdict.INCONCLUSIVE, False)
    assert silent(report)[name] == "before the target and after the target"


@pytest.mark.parametrize("name", NAMES)
def test_a_probe_detached_while_the_target_runs_is_named(auditor, target, name):
    report = auditor.audit(target, f"after blind {name}").report
    assert (report.verdict, report.conclusive) == (Verdict.INCONCLUSIVE, False)
    assert silent(report)[name] == "after the target"


def test_the_same_capture_approves_when_nothing_is_detached(auditor, target):
    assert auditor.audit(target).report.verdict is Verdict.APPROVE
