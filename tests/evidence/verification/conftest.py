"""Copies of signed reports for tests to change, and `ato verify`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from signed_reports import Reports, audit

sys.path.pop(0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("reports")
    (place / "programs").mkdir()
    key = audit(place / "reports", place / "programs", "vendor-shell", "vendor-rawip")
    (place / "key.pem").write_bytes(key.pem)
    return place


@pytest.fixture
def reports(made: Path, tmp_path: Path) -> Reports:
    """A copy that the test may change."""
    place = tmp_path / "made"
    shutil.copytree(made, place)
    return Reports(place / "reports", place / "key.pem", place / "programs" / "vendor-shell")


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run `ato verify`; returns exit code and all output."""
    from pytest_ato.cli import main

    def run(*arguments: object) -> tuple[int, str]:
        code = main(["verify", *map(str, arguments)])
        written = capsys.readouterr()
        return code, written.out + written.err

    return run
