"""Runs of pytest inside pytest: in this process with a scripted capture, or as a real command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import jinja2  # noqa: F401  # see below
import pytest
from cryptography.hazmat.primitives import serialization  # noqa: F401
from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: F401

import pytest_ato.audit.auditor
import pytest_ato.plugin.audits
import pytest_ato.plugin.items
import pytest_ato.plugin.terminal
import pytest_ato.plugin.vendor
from pytest_ato.detectors import registry

# pytester forgets modules that a run in this process imports; extension modules do not stand to be
# loaded twice, so what the product loads lazily is loaded here, once.
registry.load()

HERE = Path(__file__).parent
_INSTALLED = any(point.name == "ato" for point in entry_points(group="pytest11"))
PLUGIN = [
    *("-p", "ato" if _INSTALLED else "pytest_ato.plugin"),
    *("-p", "no:cacheprovider"),
    *("-p", "no:hypothesispytest"),  # imports all of hypothesis at the end of each session
]


def _load_scripted() -> ModuleType:
    spec = spec_from_file_location("scripted_capture", HERE / "scripted_capture.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The scripted capture, installed in this process for one test."""
    module = _load_scripted()
    monkeypatch.setattr(pytest_ato.audit.auditor, "choose", lambda *_: module.ScriptedCapture())
    return module


@pytest.fixture
def vendor(pytester: pytest.Pytester) -> Callable[..., str]:
    """Make an executable script below the working directory; returns its path as written."""

    def make(name: str, folder: str = "vendor") -> str:
        path = pytester.path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\nexit 0\n")
        path.chmod(0o755)
        return f"{folder}/{name}"

    return make


@pytest.fixture
def run(pytester: pytest.Pytester, scripted: ModuleType) -> Callable[..., pytest.RunResult]:
    """Run pytest in this process; the capture is scripted."""

    def runner(*args: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess(*PLUGIN, *args)

    return runner


@pytest.fixture
def command(pytester: pytest.Pytester) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the pytest command in a process of its own; the capture is scripted."""

    def runner(*args: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "pytest", *PLUGIN, "-p", "scripted_capture", *args],
            cwd=cwd or pytester.path,
            env={**os.environ, "PYTHONPATH": str(HERE), "ATO_TEST_SCRIPTED": "1", **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return runner
