"""Runs of the real `ato` command; with ``scripted`` the capture plays a part."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTED = Path(__file__).parents[1] / "plugin"
_COMMAND = "import sys; from pytest_ato.cli import main; sys.exit(main())"
_WITH_SCRIPT = "import scripted_capture; scripted_capture.install(); " + _COMMAND


@pytest.fixture
def ato(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `ato` in `tmp_path`, which is not on its import path."""

    def run(*args: str, scripted: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        code = _WITH_SCRIPT if scripted else _COMMAND
        return subprocess.run(
            [sys.executable, "-P", "-c", code, *args],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(SCRIPTED), **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def on_terminal(
    terminal: Callable[..., tuple[int, bytes]], tmp_path: Path
) -> Callable[..., tuple[int, bytes]]:
    """Run `ato` in `tmp_path` on a terminal; returns the exit status and all that was shown.

    `stdout`: where standard output goes instead.
    """

    def run(*args: str, stdout: int | None = None, **env: str) -> tuple[int, bytes]:
        words = [sys.executable, "-P", "-c", _WITH_SCRIPT, *args]
        env = {"PYTHONPATH": str(SCRIPTED), **env}
        return terminal(words, cwd=tmp_path, env=env, stdout=stdout)

    return run


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """Make an executable script in the working directory; returns its path as written."""

    def make(name: str) -> str:
        (tmp_path / name).write_text("#!/bin/sh\nexit 0\n")
        (tmp_path / name).chmod(0o755)
        return f"./{name}"

    return make
