"""Lets the tests import the manifest, which the docs' generator shares, and audits its programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.model.spec import Network
from pytest_ato.model.verdict import Verdict
from pytest_ato.target import resolve

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


@pytest.fixture(scope="session")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Outcome]]:
    """``audit("sample.py argument")``: each once; the sample must work, and be captured whole."""
    subprocess.run(["make", "-s", "-C", HERE], check=True)
    known: dict[object, Outcome] = {}

    def run(command: str, *, network: Network = "sinkhole") -> Outcome:
        key = (command, network)
        if key not in known:
            program, *args = command.split()
            target = resolve(str(HERE / program), ())
            ordered = Options(args=tuple(args), network=network)
            outcome = auditor.audit(target, ordered, directory=f"{len(known)}")
            assert outcome.returncode == 0, outcome.stderr
            assert outcome.report.verdict is not Verdict.INCONCLUSIVE, outcome.report.reason
            known[key] = outcome
        return known[key]

    with Auditor(report_dir=tmp_path_factory.mktemp("samples")) as auditor:
        yield run
