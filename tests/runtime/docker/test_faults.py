"""What an engine can lack or refuse: a line that says what to do, no traceback, nothing green."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from pytest_ato.audit import Auditor, Options
from pytest_ato.eventlog import read_log
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.events import Audit, Start
from pytest_ato.model.report import Report
from pytest_ato.model.verdict import Verdict
from pytest_ato.runtime.docker import image as images
from pytest_ato.runtime.docker import runtime as runtimes
from pytest_ato.runtime.docker.container import LEVELS, Level
from pytest_ato.runtime.docker.runtime import DockerRuntime
from pytest_ato.target import resolve

pytestmark = pytest.mark.docker

ATO = (sys.executable, "-P", "-c", "import sys; from pytest_ato.cli import main; sys.exit(main())")


def run(script: Path, folder: Path, *before: str, **environment: str):
    """`ato run` in a container, as its user sees it."""
    return subprocess.run(
        [*before, *ATO, "run", "--runtime", "docker", "--sign", "none", str(script)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def levels(monkeypatch, image: str):
    """Have containers made so: ``levels(Level(...), ...)``."""
    return lambda *given: monkeypatch.setattr(runtimes, "LEVELS", given)


@pytest.fixture
def auditor(tmp_path: Path):
    with Auditor(report_dir=tmp_path / "reports", runtime=DockerRuntime("auto")) as auditor:
        yield auditor


@pytest.fixture
def target(script):
    return resolve(str(script("exit 0", name="fault")))


def test_no_engine(script, tmp_path: Path) -> None:
    said = run(script("exit 0"), tmp_path, DOCKER_HOST=f"unix://{tmp_path}/none")
    assert said.returncode == 2
    (line,) = said.stderr.splitlines()
    assert line.endswith(f"no container engine listens at {tmp_path}/none: start it")


def test_no_permission(script, tmp_path: Path, host: str) -> None:
    socket = host.removeprefix("unix://")
    tmp_path.chmod(0o777)
    read = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *read)
    said = run(script("exit 0"), tmp_path, *user, HOME=str(tmp_path))
    assert said.returncode == 2
    assert f"no permission on {socket}: add this user to its group" in said.stderr
    assert "Traceback" not in said.stderr


def test_an_engine_that_talks_nonsense(script, tmp_path: Path) -> None:
    said = run(script("exit 0"), tmp_path, DOCKER_HOST="tcp://127.0.0.1:9")
    assert said.returncode == 2
    assert "the container engine at tcp://127.0.0.1:9 does not answer" in said.stderr
    assert "Traceback" not in said.stderr


def test_an_image_that_no_registry_has(engine) -> None:
    with pytest.raises(CaptureUnavailable, match=r"could not be pulled: .*; check --ato-image"):
        images.ensure(engine, "registry.invalid/none:1", lambda _: None)


def test_an_image_that_cannot_be_built(engine) -> None:
    told: list[str] = []
    with pytest.raises(CaptureUnavailable, match=r"could not be built: .*--ato-image"):
        images.build(
            engine, "ato-test:none", told.append, arguments={"BASE": "registry.invalid/base:1"}
        )
    assert told[0] == "building the audit image ato-test:none, once"


def test_an_image_of_something_else(engine) -> None:
    with pytest.raises(CaptureUnavailable, match=r"has pytest-ato nowhere, this is .*--ato-image"):
        images.ensure(engine, images.BASE, lambda _: None)


def test_an_engine_whose_disk_is_full(levels, auditor, target, script) -> None:
    from docker.types import DriverConfig, Mount

    small = DriverConfig("local", {"type": "tmpfs", "device": "tmpfs", "o": "size=64k"})
    disk = Mount("/var/lib", None, type="volume", driver_config=small)
    levels(Level(LEVELS[0].words, {**LEVELS[0].options, "mounts": [disk]}))
    big = script("exit 0\n" + "#" * 1_000_000, name="big")
    with pytest.raises(CaptureUnavailable, match="no space left on device"):
        auditor.audit(resolve(str(big)), Options(network="none"))


def test_a_container_without_memory(levels, auditor, target) -> None:
    levels(Level(LEVELS[0].words, {**LEVELS[0].options, "mem_limit": "64m"}))
    outcome = auditor.audit(target, Options(network="none"))
    assert outcome.report.verdict is Verdict.INCONCLUSIVE
    assert "out of memory" in " ".join(outcome.report.inconclusive)


NOTHING = Level("nothing", {"cap_drop": ["ALL"], "security_opt": LEVELS[0].options["security_opt"]})
GRANTED = int(Path("/proc/self/status").read_text().partition("CapBnd:")[2].split()[0], 16)
SYS_RESOURCE = GRANTED >> 24 & 1
"""Without it an engine starts no privileged container."""


def test_named_capabilities_come_before_full_privilege() -> None:
    assert [level.options.get("privileged", False) for level in LEVELS] == [False, True]


def test_where_capabilities_are_refused_full_privilege_is_taken_and_told(
    levels, auditor, target, engine, engines, lack
) -> None:
    options = LEVELS[1].options
    if not SYS_RESOURCE:
        if engines.WITHIN_BOUNDS not in engine.info()["Runtimes"]:
            lack("docker", "the kernel refuses full privilege, and the engine is not ours")
        options = {**options, "runtime": engines.WITHIN_BOUNDS}
    levels(NOTHING, Level(LEVELS[1].words, options))
    outcome = auditor.audit(target, Options(network="none"))
    assert outcome.report.verdict is Verdict.APPROVE
    assert outcome.report.provenance.privilege == "privileged container"


@pytest.mark.skipif(bool(SYS_RESOURCE), reason="the kernel refuses no full privilege")
def test_where_full_privilege_is_refused_too_the_engine_s_words_are_told(
    levels, auditor, target
) -> None:
    levels(NOTHING, LEVELS[1])
    with pytest.raises(CaptureUnavailable) as raised:
        auditor.audit(target, Options(network="none"))
    first, _, second = str(raised.value).partition(" (nothing); ")
    assert first.startswith("the container engine refuses what capture needs: ")
    assert second.startswith("the audit container could not be started: ")
    assert "apply caps: operation not permitted" in second
    assert second.endswith(" (privileged container)")


def test_where_all_is_refused_each_refusal_is_told(levels, auditor, target) -> None:
    levels(Level("nothing", {"cap_drop": ["ALL"]}), Level("little", {"cap_drop": ["SETUID"]}))
    with pytest.raises(CaptureUnavailable) as raised:
        auditor.audit(target, Options(network="none"))
    assert "engine refuses what capture needs" in str(raised.value)
    assert "(nothing" in str(raised.value)


def test_an_engine_with_another_clock(image: str, script, tmp_path: Path) -> None:
    """As on another machine: the caller's monotonic clock is a day ahead of the container's."""
    before = ("unshare", "--time", "--monotonic", "86400", "--fork")
    said = run(script("exit 0", name="later"), tmp_path, *before)
    assert said.returncode == 0, said.stderr
    folder = tmp_path / "ato-report/later"
    events = list(read_log(folder / "events.jsonl"))
    audit = next(event for event in events if isinstance(event, Audit))
    start = next(event for event in events if isinstance(event, Start))
    assert abs(start.ts - audit.ts) < 3600e9
    report = msgspec.json.decode((folder / "report.json").read_bytes(), type=Report)
    assert 0 <= report.timing.analysis_ms < 3600e3
