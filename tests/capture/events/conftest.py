"""Programs of this folder under real capture, each audited once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.target.resolve import resolve


@pytest.fixture(scope="package")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Outcome]:
    """Compile a C program of this folder and audit it without a network."""
    directory = tmp_path_factory.mktemp("events")

    def run(name: str) -> Outcome:
        program = directory / name
        source = Path(__file__).with_name(f"{name}.c")
        subprocess.run(["cc", "-Wall", "-Werror", "-o", program, source, "-pthread"], check=True)
        with Auditor(report_dir=directory / "report") as auditor:
            return auditor.audit(resolve(str(program)), Options(network="none", timeout=20))

    return run
