"""`ato merge`: audits that were made apart become one report, one JUnit, one SARIF, one log."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import msgspec
import pytest

from pytest_ato.cli import main
from pytest_ato.model import events as ev
from pytest_ato.model.report import Report
from pytest_ato.model.spec import AuditSpec, Placed, Target
from pytest_ato.model.verdict import Verdict
from pytest_ato.reports.write import put_with_digest


@pytest.fixture
def report(tmp_path, capsys):
    """Make a report directory of an audit: ``report("tool", Verdict.REVIEW)``."""
    made = []

    def make(name: str, verdict: Verdict = Verdict.APPROVE, below: str = "in"):
        made.append(name)
        run_id = f"{len(made):04x}"
        target = Target(
            name=name,
            path=f"/srv/{name}",
            sha256=hashlib.sha256(name.encode()).hexdigest(),
            size=1,
            format="elf",
            placed=(Placed("/srv/t", "/opt/t"),),
        )
        spec = AuditSpec(run_id=run_id, target=target)
        audit = ev.Audit(ts=1, spec=spec, started="2025-01-01T00:00:00+00:00", digest_key=b"k")
        log = tmp_path / f"{run_id}.jsonl"
        log.write_bytes(ev.encode(audit) + b"\n")
        folder = tmp_path / below / run_id
        assert main(["report", str(log), "-o", str(folder), "-q"]) == 0
        whole = msgspec.json.decode((folder / "report.json").read_bytes(), type=Report)
        whole = msgspec.structs.replace(whole, verdict=verdict)
        put_with_digest(folder / "report.json", msgspec.json.encode(whole))
        capsys.readouterr()
        return folder

    return make


def merged(out, *names):
    return [json.loads((out / name).read_bytes()) for name in names]


def test_everything_is_in_each_of_the_merged_files(report, tmp_path, capsys) -> None:
    for name in ("one", "two", "two", "</table>\x1b[31m|`::error::x"):
        report(name, Verdict.REVIEW if name == "one" else Verdict.APPROVE)
    out = tmp_path / "out"
    assert main(["merge", str(tmp_path / "in"), "-o", str(out)]) == 1
    assert capsys.readouterr().out.startswith("4 audits, the worst is REVIEW: one\n")
    index, sarif = merged(out, "audits.json", "results.sarif")
    names = [each["name"] for each in index["audits"]]
    assert names[0] == "one"
    assert {"two", "two (2)"} < set(names)
    assert len(names) == 4
    suites = ET.parse(out / "junit.xml").getroot()
    assert [suite.get("name") for suite in suites] == names
    runs = [run["automationDetails"]["id"] for run in sarif["runs"]]
    assert len(set(runs)) == 4
    page = (out / "audits.md").read_text()
    assert page.startswith("# 4 audits\n")
    assert "\x1b" not in page
    assert "\n::error::" not in page


def test_the_merged_log_chains_all_audits_and_verifies(report, tmp_path, capsys) -> None:
    folders = [report(f"tool{number}") for number in range(3)]
    out = tmp_path / "out"
    assert main(["merge", *map(str, folders), "-o", str(out), "--batch", "1"]) == 0
    lines = [json.loads(line) for line in (out / "evidence.log").read_bytes().splitlines()]
    payloads = [line["payload"] for line in lines if line["kind"] == "record"]
    for payload, folder in zip(payloads, folders, strict=True):
        digest = hashlib.sha256((folder / "report.json").read_bytes()).hexdigest()
        assert payload["files"]["report.json"] == digest
        assert "events.jsonl" not in payload["files"]
    assert sum(line["kind"] == "head" for line in lines) == 3
    capsys.readouterr()
    assert main(["verify", str(out / "evidence.log"), "--integrity-only"]) == 0
    changed = (out / "evidence.log").read_bytes().replace(b"APPROVE", b"REJECT!", 1)
    (tmp_path / "changed.log").write_bytes(changed)
    assert main(["verify", str(tmp_path / "changed.log"), "--integrity-only"]) == 1


@pytest.mark.parametrize(
    ("verdicts", "options", "code"),
    [
        (["APPROVE", "APPROVE WITH CONDITIONS"], [], 0),
        (["APPROVE", "APPROVE WITH CONDITIONS"], ["--fail-on=conditions"], 1),
        (["APPROVE", "INCONCLUSIVE"], [], 3),
        (["APPROVE", "INCONCLUSIVE"], ["--allow-inconclusive"], 0),
        (["REVIEW", "INCONCLUSIVE"], [], 3),
        (["REJECT", "INCONCLUSIVE"], [], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_the_worst_verdict_decides(report, tmp_path, verdicts, options, code) -> None:
    for number, verdict in enumerate(verdicts):
        report(f"tool{number}", Verdict(verdict))
    words = ["merge", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--sign=none", *options]
    assert main(words) == code
    assert not (tmp_path / "out" / "evidence.log").exists()


def test_the_same_audit_twice_counts_once(report, tmp_path) -> None:
    folder = report("tool")
    out = tmp_path / "out"
    assert main(["merge", str(folder), str(tmp_path / "in"), "-o", str(out), "--sign=none"]) == 0
    assert len(merged(out, "audits.json")[0]["audits"]) == 1


def test_a_changed_report_is_refused(report, tmp_path, capsys) -> None:
    folder = report("tool", Verdict.REJECT)
    path = folder / "report.json"
    path.write_bytes(path.read_bytes().replace(b"REJECT", b"APPROVE", 1))
    assert main(["merge", str(folder), "-o", str(tmp_path / "out")]) == 2
    assert "is not what its .sha256 file says" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_place_without_reports_and_a_place_that_is_a_link_are_refused(report, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["merge", str(tmp_path / "empty"), "-o", str(tmp_path / "out")]) == 2
    assert "has no report.json" in capsys.readouterr().err
    folder = report("tool")
    (tmp_path / "link").symlink_to(tmp_path)
    assert main(["merge", str(folder), "-o", str(tmp_path / "link")]) == 2
    assert "is a link" in capsys.readouterr().err


def test_merging_again_gives_the_same_bytes(report, tmp_path) -> None:
    for number in range(3):
        report(f"tool{number}")
    outs = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        command = [sys.executable, "-m", "pytest_ato.cli", "merge", "in", "-o", out, "--sign=none"]
        code = "import sys; from pytest_ato.cli import main; sys.exit(main())"
        command[1:3] = ["-c", code]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo" * int(seed == "2")}
        subprocess.run(command, cwd=tmp_path, check=True, env=environment, capture_output=True)
        outs.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert outs[0] == outs[1]
