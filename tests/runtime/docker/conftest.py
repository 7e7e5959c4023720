"""Real audits in real containers: the engine of this machine or one of our own, the image of this
tree, one audit container a module, and nothing left behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.runtime.docker import image as images
from pytest_ato.runtime.docker import owner
from pytest_ato.runtime.docker.engine import Engine, connect
from pytest_ato.runtime.docker.lock import one_at_a_time
from pytest_ato.runtime.docker.runtime import DockerRuntime
from pytest_ato.target import resolve

ROOT = Path(__file__).parents[3]


def _load(path: Path) -> ModuleType:
    spec = spec_from_file_location(f"docker_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def engines() -> ModuleType:
    """How engines of our own are started."""
    return _load(ROOT / "docker/engine.py")


@pytest.fixture(scope="session")
def host(engines: ModuleType, lack: Callable[[str, str], NoReturn]) -> Iterator[str]:
    """DOCKER_HOST of an engine, for this process as well."""
    try:
        with engines.running() as host, pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", host)
            yield host
    except engines.NoEngine as error:
        lack("docker", str(error))


@pytest.fixture(scope="session")
def image(host: str) -> str:
    """Name of the image of this tree, made if it is not there."""
    with one_at_a_time():
        engine = connect()
        found = images.look(engine, images.DEFAULT)
        if found is None or found["Config"]["Labels"].get(images.RECORD) != images.context.record():
            _load(ROOT / "docker/build.py").make(engine)
    return images.DEFAULT


@pytest.fixture(scope="session")
def engine(host: str, image: str) -> Engine:
    """A client of the engine."""
    return connect()


@pytest.fixture(scope="module")
def runtime(image: str) -> Iterator[DockerRuntime]:
    runtime = DockerRuntime("auto")
    yield runtime
    runtime.close()


@pytest.fixture(scope="module")
def auditor(
    runtime: DockerRuntime, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Auditor]:
    known = containers(engine)
    with Auditor(report_dir=tmp_path_factory.mktemp("reports"), runtime=runtime) as auditor:
        yield auditor
    assert eventually(lambda: containers(engine) <= known)


def eventually(condition: Callable[[], object], within: float = 20.0) -> bool:
    """Whether `condition` comes true within so many seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def containers(engine: Engine) -> set[str]:
    """Ids of all audit containers of this process, whatever state they are in."""
    found = engine.containers(all=True, filters={"label": f"{owner.LABEL}={owner.own()}"})
    return {container["Id"] for container in found}


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write an executable script: ``script("echo hi")``."""
    folder = tmp_path_factory.mktemp("scripts")

    def write(text: str, *, name: str = "tool", shell: str = "/bin/sh") -> Path:
        path = folder / name
        path.write_text(f"#!{shell}\n{text}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def audit(auditor: Auditor, script: Callable[..., Path]) -> Callable[..., Outcome]:
    """Audit a script in the module's container: ``audit("echo hi", timeout=2)``."""

    def run(text: str, *, name: str = "tool", **options: object) -> Outcome:
        return auditor.audit(resolve(str(script(text, name=name))), Options(**options))

    return run
