"""`ato report`: any of the formats from a log alone."""

from __future__ import annotations

import hashlib

import pytest

from pytest_ato.cli import main
from pytest_ato.model import events as ev
from pytest_ato.model.spec import AuditSpec, Placed, Target

SPEC = AuditSpec(
    run_id="7f3a",
    target=Target(
        name="vendor-bin",
        path="/srv/vendor-bin",
        sha256="ab" * 32,
        size=1,
        format="elf",
        placed=(Placed("/srv/vendor-bin", "/opt/vendor-bin"),),
    ),
)
NAMES = ["junit.xml", "report.html", "report.json", "report.md", "results.sarif"]


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "events.jsonl"
    audit = ev.Audit(ts=1, spec=SPEC, started="2025-01-01T00:00:00+00:00", digest_key=b"k")
    path.write_bytes(ev.encode(audit) + b"\n")
    return path


def test_writes_every_format_with_its_sidecar(log, tmp_path, capsys) -> None:
    out = tmp_path / "a" / "b"
    assert main(["report", str(log), "-o", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*NAMES, *(f"{name}.sha256" for name in NAMES)]
    )
    for name in NAMES:
        digest = hashlib.sha256((out / name).read_bytes()).hexdigest()
        assert (out / f"{name}.sha256").read_text() == f"{digest}  {name}\n"
    assert sorted(capsys.readouterr().out.split()) == [str(out / name) for name in NAMES]


def test_writes_the_formats_that_are_named(log, tmp_path, capsys) -> None:
    assert main(["report", str(log), "-q", "--format", "sarif,md", "-o", str(tmp_path)]) == 0
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {
        "events.jsonl",
        "report.md",
        "report.md.sha256",
        "results.sarif",
        "results.sarif.sha256",
    }
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "pdf"], "there is no report format 'pdf'; known are: html, json, junit,"),
        (["--format", ""], "there is no report format ''"),
        (["-o", "link"], "is a link; give another place with -o"),
        (["-o", "events.jsonl"], "cannot write the report to"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    log, tmp_path, capsys, monkeypatch, words, message
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    assert main(["report", str(log), *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_log_that_is_not_there_is_one_line(tmp_path, capsys) -> None:
    assert main(["report", str(tmp_path / "none.jsonl"), "-o", str(tmp_path)]) == 2
    assert "cannot read the event log" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
