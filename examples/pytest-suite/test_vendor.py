"""What `pytest-ato` looks like in a test suite. Run it, as root, from the top of the repository:

make setup examples
.venv/bin/pytest examples/pytest-suite
"""

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1]
GOOD = EXAMPLES / "c/build/good-sample"
BAD = EXAMPLES / "c/build/bad-sample"


def test_the_agent_keeps_to_itself(ato_trace):
    """One audit, asserted on with plain `assert`."""
    trace = ato_trace(GOOD, timeout=30)
    assert trace.returncode == 0
    assert not trace.findings.exfil
    assert not trace.findings.credential_access
    assert trace.verdict == "APPROVE"


@pytest.mark.ato_target(str(GOOD))
def test_the_marked_target_has_no_findings(findings):
    """The `findings` fixture is for the target of the marker, or of `--ato-target`."""
    assert not findings


@pytest.mark.ato_network("none")
@pytest.mark.ato_timeout(20)
def test_the_agent_works_offline(ato_trace):
    trace = ato_trace(GOOD)
    assert b"no network" in trace.stdout
    assert trace.verdict == "APPROVE"


def test_the_thief_is_caught(ato_trace):
    """Findings can be looked at: by category, by detector, one by one."""
    trace = ato_trace(BAD)
    assert trace.verdict == "REJECT"
    assert trace.findings.exfil
    assert trace.findings.beaconing
    assert any(finding.where.endswith(".ssh/id_rsa") for finding in trace.findings.honeytoken_read)


@pytest.mark.ato_allow("beaconing")
def test_calling_home_is_accepted_here(ato_trace):
    """An accepted finding is not gone: it is listed as waived."""
    trace = ato_trace(BAD)
    assert not trace.findings.beaconing
    assert [finding.detector for finding in trace.waived] == ["beaconing"]
