"""What is proposed is true: with the options at the end of a failure, the same audit passes."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

import pytest_ato.audit.auditor
from pytest_ato import cli

sys.path.insert(0, str(Path(__file__).parent / "plugin"))
from scripted_capture import ScriptedCapture

sys.path.pop(0)

NAMES = (
    "app-shell",
    "app-rawip-odd",
    "app-rawip-hang",
    "app-odd",
    "app-hang",
    "app-lost",
    "app-lost-shell",
)


@pytest.mark.parametrize("fail_on", ["reject", "review", "conditions"])
@pytest.mark.parametrize("name", NAMES)
def test_the_proposed_command_passes(name, fail_on, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pytest_ato.audit.auditor, "choose", lambda *_: ScriptedCapture())
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("#!/bin/sh\n")
    (tmp_path / name).chmod(0o755)
    code = cli.main(["run", f"--fail-on={fail_on}", f"./{name}"])
    last = capsys.readouterr().out.splitlines()[-1]
    if code == 0:
        assert not last.startswith("accept it with:")
        return
    command = shlex.split(last.removeprefix("accept it with: "))
    assert command[:2] == ["ato", "run"]
    assert cli.main(command[1:]) == 0
