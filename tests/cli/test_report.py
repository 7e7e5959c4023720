"""`ato report`: any of the formats from a log alone."""

from __future__ import annotations

import hashlib
import subprocess

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
RULES = """\
rules:
  - id: ACME-EXF-001
    name: acme_copy
    category: exfil
    severity: high
    title: A copying tool is started
    event: exec
    where:
      path: {glob: "*/rclone"}
    positive:
      - {path: /usr/bin/rclone, file: /usr/bin/rclone, argv: [rclone]}
    negative:
      - {path: /usr/bin/cp, file: /usr/bin/cp, argv: [cp]}
"""
ORDER = ["report.json", "report.md", "report.html", "junit.xml", "results.sarif"]
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


@pytest.fixture
def long_log(log):
    """One that takes a while."""
    opened = ev.Open(ts=2, pid=1, call="open", path="/tmp/x", result=3)
    with log.open("ab") as file:
        file.write((ev.encode(opened) + b"\n") * 20_000)
    return log


def test_a_long_render_tells_a_person_how_far_it_is(long_log, on_terminal) -> None:
    code, told = on_terminal("report", str(long_log), "-o", "out", stdout=subprocess.DEVNULL)
    assert code == 0
    for words in (b"\rexamining events.jsonl", b"jsonl: 4", b"report.html (3 of 5)"):
        assert words in told
    assert told.endswith(b"\r")  # the line was taken away
    assert b"\n" not in told
    assert b"\x1b" not in told


def test_progress_stays_on_its_line(long_log, on_terminal) -> None:
    _, told = on_terminal("report", str(long_log), "-o", "out", stdout=subprocess.DEVNULL)
    assert max(len(piece) for piece in told.split(b"\r")) < 80


@pytest.mark.parametrize(("words", "environment"), [(["-q"], {}), ([], {"TERM": "dumb"})])
def test_nobody_is_told_who_does_not_want_it(long_log, on_terminal, words, environment) -> None:
    _, told = on_terminal(
        "report", str(long_log), "-o", "out", *words, stdout=subprocess.DEVNULL, **environment
    )
    assert told == b""


def test_no_progress_in_a_pipe(long_log, ato) -> None:
    result = ato("report", str(long_log), "-o", "out", scripted=False)
    assert result.returncode == 0
    assert result.stderr == ""
    assert result.stdout.splitlines() == [f"out/{name}" for name in ORDER]


def test_rules_of_ones_own_look_at_the_log_too(log, tmp_path, ato) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    exec_ = ev.Exec(ts=2, pid=1, path="/usr/bin/rclone", file="/usr/bin/rclone", argv=("rclone",))
    with log.open("ab") as file:
        file.write(ev.encode(exec_) + b"\n")
    assert ato("report", str(log), "--rules=rules.yaml", "-o", "out").returncode == 0
    text = (tmp_path / "out" / "report.json").read_text()
    assert "ACME-EXF-001" in text
    assert '"kind": "rules"' in text
