"""Both runtimes over the same programs: the same verdict, and the same findings by their keys.

A dozen in every test run, so that of each kind there is one; all samples by `make test-runtimes`,
which sets ATO_ALL_SAMPLES.
"""

from __future__ import annotations

import io
import os
import runpy
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.model.verdict import Verdict
from pytest_ato.runtime.docker.engine import Engine
from pytest_ato.runtime.docker.runtime import DockerRuntime
from pytest_ato.target import resolve

pytestmark = [pytest.mark.docker, pytest.mark.privileged]

ROOT = Path(__file__).parents[3]
SAMPLES_IMAGE = "pytest-ato-samples:latest"
DOZEN = (
    "examples/c/build/good-sample",
    "examples/python/bad_sample.py",
    "tests/samples/exfil.py dns",
    "tests/samples/exfil.py local",
    "tests/samples/connect.py 169.254.169.254",
    "tests/samples/build/fileless memfd",
    "tests/samples/build/doors uring_read",
    "tests/samples/build/peek mem",
    "tests/samples/build/shell tcp",
    "tests/samples/persist.sh bashrc",
    "tests/samples/escape.py engine",
    "tests/samples/environ.py parent",
)


def samples() -> tuple[str, ...]:
    if not os.environ.get("ATO_ALL_SAMPLES"):
        return DOZEN
    listed = runpy.run_path(str(ROOT / "tests/samples/sample_runs.py"))["SAMPLES"]
    found = [
        f"tests/samples/{program} {way}".rstrip()
        for program, ways in listed.items()
        for words in ways
        for way in words.split() or [""]
    ]
    return tuple(dict.fromkeys((*DOZEN, *found)))


@pytest.fixture(scope="module")
def runtime(engine: Engine, image: str) -> Iterator[DockerRuntime]:
    """A container of the audit image, for all samples with the programs that some of them run."""
    if os.environ.get("ATO_ALL_SAMPLES"):
        text = Path(__file__).with_name("samples.Dockerfile").read_bytes()
        wanted = {"BASE": image}
        for line in engine.build(
            fileobj=io.BytesIO(text),
            tag=SAMPLES_IMAGE,
            rm=True,
            forcerm=True,
            decode=True,
            network_mode="host",
            buildargs=wanted,
        ):
            assert "error" not in line, line
        image = SAMPLES_IMAGE
    runtime = DockerRuntime("auto", image)
    yield runtime
    runtime.close()


@pytest.fixture(scope="module")
def audited(
    runtime: DockerRuntime, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], tuple[Outcome, Outcome]]]:
    """Audit a command here and in a container."""
    for place in ("examples/c", "tests/samples"):
        subprocess.run(["make", "-s", "-C", ROOT / place], check=True)
    place = tmp_path_factory.mktemp("both")
    with (
        Auditor(report_dir=place / "local", runtime="local") as local,
        Auditor(report_dir=place / "docker", runtime=runtime) as docker,
    ):

        def run(command: str) -> tuple[Outcome, Outcome]:
            program, *words = command.split()
            target = resolve(str(ROOT / program))
            name = command.replace("/", "-").replace(" ", "-")
            here, there = (
                auditor.audit(target, Options(args=tuple(words)), directory=name)
                for auditor in (local, docker)
            )
            return here, there

        yield run


@pytest.mark.parametrize("command", samples())
def test_verdict_and_findings_are_the_same(audited, command: str) -> None:
    here, there = audited(command)
    assert here.report.verdict is not Verdict.INCONCLUSIVE
    assert there.report.inconclusive == ()
    assert keys(there) == keys(here)
    assert there.report.verdict is here.report.verdict
    assert there.returncode == here.returncode


def keys(outcome: Outcome) -> set[str]:
    return {finding.key for finding in outcome.examined.findings}
