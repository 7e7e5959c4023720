"""Counts of audits that outlive the run: in a file, and in Debian's push gateway."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pytest_ato.metrics import sinks
from pytest_ato.metrics.audits import Audits, parse, read
from pytest_ato.model.errors import AtoError, UsageError

from .listening import listening

ONE = Audits(Counter({"REJECT": 1}), Counter({("exfil", "critical"): 2}), lost=3, last=5)


def samples(text: str) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(sample.labels[name] for name in sorted(sample.labels))
            found[f"{sample.name}[{labels}]"] = sample.value
    return found


def test_a_file_is_added_to(tmp_path: Path) -> None:
    path = tmp_path / "ato.prom"
    for _ in range(2):
        sinks.add(str(path), ONE)
    found = samples(path.read_text())
    assert found["ato_audits_total[REJECT]"] == 2
    assert found["ato_audits_total[APPROVE]"] == 0
    assert found["ato_findings_total[exfil,critical]"] == 4
    assert found["ato_audit_events_lost_total[]"] == 6
    assert found["ato_last_audit_timestamp_seconds[]"] == 5
    assert len([name for name in found if name.startswith("ato_findings_total")]) == 12 * 5
    assert read(path).verdicts == Counter({"REJECT": 2})
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".prom"] == ["ato.prom"]


def test_many_processes_add_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "ato.prom"
    code = (
        "import sys; from collections import Counter\n"
        "from pytest_ato.metrics import audits, sinks\n"
        "for _ in range(10): sinks.add(sys.argv[1], audits.Audits(Counter({'APPROVE': 1})))"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, path]) for _ in range(3)]
    assert [each.wait(60) for each in running] == [0, 0, 0]
    assert read(path).verdicts["APPROVE"] == 30


def test_a_file_of_others_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "node.prom"
    path.write_text("up 1\n")
    with pytest.raises(UsageError, match="holds other metrics"):
        sinks.add(str(path), ONE)
    assert path.read_text() == "up 1\n"


def test_no_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write metrics to .*No such file"):
        sinks.add(str(tmp_path / "none/ato.prom"), ONE)


def test_values_that_are_none_of_ours_are_no_labels(tmp_path: Path) -> None:
    hostile = 'ato_audits_total{verdict="x\\"y"} 7\nato_findings_total{category="a"} 7\n'
    found = parse(f'{hostile}ato_audits_total{{verdict="REVIEW"}} 1\n')
    assert found == Audits(Counter({"REVIEW": 1}))
    (tmp_path / "file").write_bytes(b"\xff{{{")
    assert read(tmp_path / "file") == Audits()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    """URL of a real push gateway."""
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus-pushgateway",
                "--web.listen-address=127.0.0.1:0",
                f"--persistence.file={tmp_path}/pushed",  # Debian's keeps it between runs
            ],
            stderr=log,
        )
        try:
            yield listening(tmp_path / "log", process)
        finally:
            process.terminate()
            process.wait()


def test_a_push_gateway_is_added_to(gateway: str) -> None:
    sinks.add(gateway, ONE)
    sinks.add(gateway, ONE)
    other = f"{gateway}/metrics/job/nightly/instance/runner%201"
    sinks.add(other, ONE)
    with urllib.request.urlopen(f"{gateway}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    found = samples(text)
    assert found["ato_audits_total[,pytest_ato,REJECT]"] == 2
    assert found["ato_audits_total[runner 1,nightly,REJECT]"] == 1
    assert parse(text, {"job": "pytest_ato"}).findings == Counter({("exfil", "critical"): 4})


def test_no_gateway_is_told() -> None:
    with pytest.raises(AtoError, match=r"cannot push metrics to http://127.0.0.1:1: .*refused"):
        sinks.add("http://127.0.0.1:1", ONE)


def test_a_wrong_group_is_told() -> None:
    with pytest.raises(UsageError, match="expected the URL of a push gateway"):
        sinks.add("http://127.0.0.1:1/metrics/job/x/instance", ONE)
