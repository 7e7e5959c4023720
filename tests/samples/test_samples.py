"""Every sample program under a real audit: it gets the findings that it deserves, and no other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from intruder import PEER, PORT, SEGMENTS, intruder
from sample_runs import HERE, JUDGED, Run, runs

from pytest_ato.audit import Inputs, Outcome, replay, update_baseline
from pytest_ato.enrich import lists
from pytest_ato.enrich.choice import Sources
from pytest_ato.model.policy import Terms
from pytest_ato.model.report import Report
from pytest_ato.policy import baseline, decode
from pytest_ato.reports.registry import EVENTS

pytestmark = pytest.mark.privileged

Audit = Callable[..., Outcome]


def judged(run: Run, audit: Audit, path: Path) -> Report:
    """The report of the run under its terms; `path` is for a baseline."""
    with intruder(run.command) if run.terms == "intruder" else contextlib.nullcontext():
        outcome = audit(run.command)
    if run.terms in ("", "intruder"):
        return outcome.report
    inputs = _inputs(run.terms, audit, path)
    return replay(outcome.directory / EVENTS, inputs=inputs).report


def _inputs(terms: str, audit: Audit, path: Path) -> Inputs:
    policy, names, table = (HERE / f"terms/{terms}.{end}" for end in ("yaml", "txt", "csv"))
    if terms == "baseline":
        update_baseline(path, audit(next(iter(JUDGED[terms]))))
        return Inputs.recorded(baseline.under(Terms(), path, update=False))
    if names.exists():
        return Inputs.recorded(Terms(lists=lists.load([names], [])))
    sources = Sources("table", table=table) if table.exists() else Sources("off")
    return Inputs(terms=decode.load(policy) if policy.exists() else Terms(), sources=sources)


@pytest.mark.parametrize("run", runs(), ids=lambda run: run.name)
def test_sample(audit: Audit, recorded, tmp_path: Path, run: Run) -> None:
    found = recorded(run.name, judged(run, audit, tmp_path / "baseline.json").findings)
    assert found == run.finds


def test_retries_after_failures_are_no_beacon(audit: Audit) -> None:
    assert audit("beacon.py retry", network="none").report.findings == ()


def test_a_file_that_calls_and_fanotify_tell_is_read_once(audit: Audit) -> None:
    [finding] = audit("build/doors linked").report.findings
    assert (finding.detector, finding.count) == ("honeytoken_read", 1)


@pytest.mark.parametrize(
    ("way", "values"),
    [("ibans", ["DE89370400440532013000"]), ("ssns", ["123-45-6789", "321-54-9876"])],
)
def test_personal_data_is_masked_in_every_output(audit: Audit, way: str, values: list[str]) -> None:
    outcome = audit(f"customers.py {way}")
    files = {path.name: path.read_bytes() for path in outcome.directory.iterdir()}
    assert all(value.encode() in files.pop(EVENTS) for value in values[:1])
    told = [name for name, data in files.items() if any(v.encode() in data for v in values)]
    assert "report.json" in files
    assert told == []


def test_a_chain_leads_from_what_was_planted_to_who_sent_it(audit: Audit) -> None:
    report = audit("exfil.py base64").report
    [finding] = [one for one in report.findings if one.detector == "honeytoken_exfil"]
    steps = [evidence.text for evidence in finding.evidence]
    assert [text.partition(":")[0] for text in steps] == ["planted", "read", "sent"]
    assert "~/.aws/credentials" in steps[0]
    assert "exfil.py opened" in steps[1]
    assert " > base64)" in steps[2]
    assert " by exfil.py" in steps[2]


def test_the_lineage_leads_from_the_root_to_the_actor(audit: Audit) -> None:
    [finding] = audit("read_key.sh cat").report.findings
    assert [process.argv[:2] for process in finding.lineage] == [
        ("/bin/sh", "/opt/read_key.sh/read_key.sh"),
        ("cat", "/home/user/.aws/credentials"),
    ]


def test_what_the_wire_saw_is_reconciled_with_the_sockets(audit: Audit) -> None:
    with intruder("beacon.py idle"):
        report = audit("beacon.py idle").report
    [finding] = report.findings
    assert finding.where == f"{PEER}:{PORT}"
    assert finding.count == SEGMENTS
    assert report.coverage.flows.endswith(f"{SEGMENTS * 54} of no socket")
    report = audit("build/doors uring_connect").report
    assert report.coverage.flows.endswith(" 0 of no socket")
