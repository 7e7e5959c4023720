"""The sample vendor programs get the verdicts, and the findings, that their comments promise."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_ato.model.verdict import Verdict

pytestmark = pytest.mark.privileged

EXAMPLES = Path(__file__).parents[2] / "examples"
BAD = ["c/build/bad-sample", "python/bad_sample.py"]
GOOD = ["c/build/good-sample", "python/good_sample.py"]
PROMISED = {
    "honeytoken_exfil",
    "honeytoken_read",
    "credential_sweep",
    "beaconing",
    "dropped_executable",
}


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    subprocess.run(["make", "-s", "-C", EXAMPLES / "c"], check=True)


@pytest.mark.parametrize("program", BAD)
def test_the_bad_one_is_rejected_for_each_of_its_deeds(ato_trace, program: str) -> None:
    trace = ato_trace(EXAMPLES / program)
    assert trace.verdict is Verdict.REJECT
    assert {finding.detector for finding in trace.findings} == PROMISED
    assert b"second stage: running" in trace.stdout


@pytest.mark.parametrize("program", GOOD)
@pytest.mark.parametrize("network", ["sinkhole", "none"])
def test_the_good_one_is_approved(ato_trace, program: str, network: str) -> None:
    trace = ato_trace(EXAMPLES / program, network=network)
    assert trace.returncode == 0
    assert trace.verdict is Verdict.APPROVE, [finding.title for finding in trace.findings]
