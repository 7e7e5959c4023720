"""A real audit whose destinations are asked for on a real name server, and its replay."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.privileged


def ato(directory: Path, *args: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from pytest_ato.cli import main; sys.exit(main())"
    command = [sys.executable, "-P", "-c", code, *args]
    return subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=100, check=False
    )


def findings(report: Path) -> dict[str, dict]:
    return {found["key"]: found for found in json.loads(report.read_text())["findings"]}


@pytest.fixture(scope="module")
def audited(tmp_path_factory, name_server):
    directory = tmp_path_factory.mktemp("audit")
    script = directory / "caller"
    script.write_text(
        "#!/bin/bash\n"
        "for last in 9 10 200; do exec 3<>/dev/tcp/203.0.113.$last/443; exec 3>&-; done\n"
    )
    script.chmod(0o755)
    (directory / "asns.txt").write_text("# as of 2026-01-31\nAS64500\n")
    host, port = name_server
    done = ato(directory, "run", "./caller", "--asn-list=asns.txt", f"--resolver={host}:{port}")
    assert done.returncode == 1, done.stderr
    return directory


def test_the_answers_are_events_and_the_listed_network_is_found(audited):
    report = audited / "ato-report/caller/report.json"
    found = findings(report)
    assert found["known_bad_asn:AS64500"]["where"] == "203.0.113.9"
    assert "Team Cymru's DNS zones, by 127.0.0.1" in str(found["known_bad_asn:AS64500"]["evidence"])
    assert "203.0.113.200: no registry entry" in str(found["known_bad_asn:unknown"]["evidence"])
    events = (report.parent / "events.jsonl").read_text().splitlines()
    answers = [json.loads(line) for line in events if '"kind":"enrichment"' in line]
    assert {answer["address"] for answer in answers} == {f"203.0.113.{n}" for n in (9, 10, 200)}


def test_a_replay_asks_nobody_and_finds_the_same(audited):
    log = "ato-report/caller/events.jsonl"
    done = ato(audited, "replay", log, "--asn-list=asns.txt", "-o", "again")
    assert done.returncode == 1, done.stderr
    first, second = (audited / d / "caller/report.json" for d in ("ato-report", "again"))
    assert first.read_bytes() == second.read_bytes()


def test_a_replay_asks_anew_when_told_to(audited):
    table = audited / "asn.csv"
    table.write_text("# as of 2026-02-01\n203.0.113.0/24,64999,SE,Other\n")
    log = "ato-report/caller/events.jsonl"
    options = ("--enrich=table", "--asn-table=asn.csv", "--asn-list=asns.txt", "-o", "anew")
    done = ato(audited, "replay", log, *options)
    assert "known_bad_asn:AS64500" not in findings(audited / "anew/caller/report.json")
    assert done.returncode == 1  # for the bare addresses
    events = (audited / "anew/caller/events.jsonl").read_text().splitlines()
    answers = [json.loads(line) for line in events if '"kind":"enrichment"' in line]
    assert {answer["asn"] for answer in answers} == {64999}
    assert len(answers) == 3


def test_lists_and_tables_are_checked_before_anything_runs(audited):
    (audited / "broken.csv").write_text("what\n")
    done = ato(audited, "run", "./caller", "--asn-table=broken.csv", "-o", "none")
    assert done.returncode == 2
    assert "broken.csv:1: expected prefix,asn,country" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (audited / "none").exists()
