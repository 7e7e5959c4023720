"""Settings from raw values: defaults, bases of paths, and the audit options that follow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_ato.audit import Options
from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import B64
from pytest_ato.settings.settings import Raw, RawValues, Settings, check, parse, read_stdin

BASE = Path("/work")


def settings(values: dict[str, Raw], **bases: Path) -> Settings:
    return parse(RawValues(values, bases, BASE))


def test_the_defaults_are_those_of_an_audit():
    assert settings({}).options() == Options()
    assert settings({}).report_dir == BASE / "ato-report"


def test_paths_start_from_where_they_were_written():
    got = settings(
        {"target": ["a", "/b"], "include": ["c:/d", "e"], "report-dir": "r"}, target=Path("/ini")
    )
    assert got.target == (Path("/ini/a"), Path("/b"))
    assert [(item.source, item.destination) for item in got.include] == [
        ("/work/c", "/d"),
        ("/work/e", None),
    ]
    assert got.report_dir == BASE / "r"


def test_arguments_that_are_no_text_survive():
    got = settings({"args": "-x " + os.fsdecode(b"\xff\xfe")})
    assert got.options().args == ("-x", B64(b"\xff\xfe"))


def test_check_names_the_option():
    with pytest.raises(UsageError, match=r"^ato_fail_on: expected reject"):
        check({"fail-on": "never"})
    with pytest.raises(UsageError, match=r"^ato_env: expected NAME=VALUE"):
        check({"env": ["A=1", "B"]})


def test_standard_input_is_a_regular_file_of_bounded_size(tmp_path, monkeypatch):
    (tmp_path / "in").write_bytes(b"\0input")
    assert settings({"stdin": str(tmp_path / "in")}).options().stdin == b"\0input"
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        (tmp_path / "pipe", "a named pipe"),
        (tmp_path, "a directory"),
        (tmp_path / "no", "does not exist"),
    ):
        with pytest.raises(UsageError, match=message):
            read_stdin(path)
    monkeypatch.setattr("pytest_ato.settings.settings._STDIN_LIMIT", 3)
    with pytest.raises(UsageError, match="is larger than"):
        read_stdin(tmp_path / "in")
