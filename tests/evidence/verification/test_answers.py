"""What `ato verify` says where something is not there, and its older name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tampering import Ato, Verify, flip, mend_sidecar


def test_without_raw_events_all_the_rest_is_checked(reports, verify: Verify) -> None:
    (reports.one / "events.jsonl").unlink()
    code, text = verify(reports.one, "--key", reports.key)
    sentence = "raw events are not here: their digest is signed, the report was not recomputed"
    assert (code, sentence in text) == (0, True), text
    code, text = verify(reports.one, "--key", reports.key, "--require-events")
    assert (code, sentence in text) == (2, True), text
    flip(reports.one / "report.md", 100)
    mend_sidecar(reports.one / "report.md")
    assert verify(reports.one, "--key", reports.key)[0] == 1


def test_what_is_no_evidence_could_not_be_checked(reports, verify: Verify, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "no", tmp_path / "empty", tmp_path / "fifo"):
        code, text = verify(path, "--key", reports.key)
        assert (code, "could not check" in text) == (2, True), text
    code, text = verify(reports.one, "--key", reports.program)
    assert (code, "no public key in PEM" in text) == (2, True), text


def test_a_report_nobody_signed_could_not_be_checked(reports, verify: Verify) -> None:
    for name in ("evidence.log", "attestation.dsse.json", "test-result.dsse.json"):
        (reports.one / name).unlink()
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "this report is not signed" in text) == (2, True), text


def test_the_old_name_of_the_command_does_the_same(reports) -> None:
    program = Path(sys.executable).with_name("verify-report")
    command = [program, reports.one, "--key", reports.key, "--quiet"]
    good = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (good.returncode, ": good: signed by SHA256:" in good.stdout) == (0, True), good
    flip(reports.one / "report.md", 10)
    bad = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (bad.returncode, ": bad: report.md was changed" in bad.stdout) == (1, True), bad


@pytest.mark.privileged
def test_rule_files_are_given_again_to_recompute_a_report(ato: Ato, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    rules = f"--rules={Path(__file__).parents[3] / 'examples/rules.yaml'}"
    assert ato("run", "-q", rules, "/bin/true")[0] == 0
    known = ("ato-report/true", "--integrity-only")
    code, text = ato("verify", *known)
    assert (code, "was made with other detectors (give rule files with --rules)" in text) == (
        0,
        True,
    )
    code, text = ato("verify", *known, rules)
    assert (code, "recomputed from the raw events: it is the same" in text) == (0, True), text
