"""Where the engine is looked for, in which order, and what is said of a broken context."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.runtime.docker import engine as engines
from pytest_ato.runtime.docker.engine import connect


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make a context as the docker CLI does: ``context(name, host)``; `current`: it is in use."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    (tmp_path / "config.json").write_text("{}")

    def make(name: str, host: str, *, current: bool = False) -> None:
        folder = tmp_path / "contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
        folder.mkdir(parents=True)
        endpoint = {"Host": host, "SkipTLSVerify": False}
        meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}
        (folder / "meta.json").write_text(json.dumps(meta))
        if current:
            (tmp_path / "config.json").write_text(json.dumps({"currentContext": name}))

    return make


def sought() -> str:
    """The address that is tried, which nobody listens at."""
    with pytest.raises(CaptureUnavailable) as raised:
        connect()
    found = re.fullmatch(r"no container engine listens at (\S+): start it", str(raised.value))
    assert found, raised.value
    return found[1]


def test_the_host_comes_before_the_named_context_and_that_before_the_current_one(
    context, monkeypatch, tmp_path: Path
) -> None:
    for name in ("named", "current"):
        context(name, f"unix://{tmp_path}/{name}.sock", current=name == "current")
    assert sought() == f"{tmp_path}/current.sock"
    monkeypatch.setenv("DOCKER_CONTEXT", "named")
    assert sought() == f"{tmp_path}/named.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/host.sock")
    assert sought() == f"{tmp_path}/host.sock"


def test_without_a_context_the_first_socket_that_exists_is_it(
    context, monkeypatch, tmp_path: Path
) -> None:
    docker, podman = tmp_path / "docker.sock", tmp_path / "podman/podman.sock"
    monkeypatch.setattr(engines, "_SOCKETS", (str(docker),))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(CaptureUnavailable, match=r"no container engine was found: .*DOCKER_HOST"):
        connect()
    podman.parent.mkdir()
    podman.touch()
    with pytest.raises(CaptureUnavailable, match=f"engine at unix://{podman} does not answer"):
        connect()
    docker.touch()
    with pytest.raises(CaptureUnavailable, match=f"engine at unix://{docker} does not answer"):
        connect()


def test_a_context_that_is_not_there_or_broken_is_told(
    context, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "none")
    with pytest.raises(CaptureUnavailable, match="there is no docker context 'none'"):
        connect()
    context("broken", "unix:///nowhere")
    monkeypatch.setenv("DOCKER_CONTEXT", "broken")
    (meta,) = tmp_path.rglob("meta.json")
    meta.write_text("{")
    with pytest.raises(CaptureUnavailable, match="docker context cannot be read"):
        connect()


@pytest.mark.docker
def test_an_engine_is_reached_by_its_context(host: str, context) -> None:
    context("ours", host, current=True)
    assert connect().ping()
