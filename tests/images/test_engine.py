"""Images that an engine has: audited by name, and as `docker save` writes them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from pytest_ato.model.errors import UsageError
from pytest_ato.runtime.docker.engine import connect
from pytest_ato.target import resolve

NAME = "ato-test/vendor:1.2"


@pytest.fixture(scope="module")
def engine(lack, shell, layer) -> Iterator[object]:
    """An engine with one image of a vendor's."""
    path = Path(__file__).parents[2] / "docker/engine.py"
    spec = spec_from_file_location("images_engine", path)
    engines = module_from_spec(spec)
    sys.modules[spec.name] = engines
    spec.loader.exec_module(engines)
    try:
        with engines.running() as host, pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", host)
            client = connect()
            command = json.dumps(["/bin/bash", "-c", "id -u; cat ~/.aws/credentials"])
            repository, _, tag = NAME.partition(":")
            client.import_image_from_data(
                layer(shell), repository, tag, [f"ENTRYPOINT {command}", "USER vendor"]
            )
            yield client
            client.remove_image(NAME, force=True)
    except engines.NoEngine as error:
        lack("docker", str(error))


@pytest.mark.docker
@pytest.mark.privileged
def test_an_image_is_audited_by_its_name_and_as_it_was_saved(engine, ato_trace, tmp_path):
    saved = tmp_path / "saved.tar"
    with saved.open("wb") as file:
        for chunk in engine.get_image(NAME):
            file.write(chunk)
    digest = engine.inspect_image(NAME)["Id"]
    for target, name in ((f"image:{NAME}", "vendor_1.2"), (saved, "saved.tar")):
        trace = ato_trace(target)
        assert trace.stdout.startswith(b"1000\n[default]")
        assert [finding.detector for finding in trace.findings] == ["honeytoken_read"]
        told = trace.report.target
        assert (told.name, told.image.name, told.image.digest) == (name, NAME, digest)
    assert told.image.user == "vendor (1000:1001)"


@pytest.mark.docker
@pytest.mark.parametrize("name", ["ato-test/missing:1", "Bad Name\n", ""])
def test_an_image_that_is_not_there_is_named_and_never_pulled(engine, name):
    with pytest.raises(UsageError) as caught:
        resolve(f"image:{name}")
    message = str(caught.value)
    assert message.isprintable()
    if name.startswith("ato-test"):
        assert message.endswith("is not in the engine here; get it first: docker pull " + name)


def test_without_an_engine_that_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    with pytest.raises(UsageError, match="target image:tool cannot be read: no container engine"):
        resolve("image:tool")


def test_a_file_of_that_name_is_a_file(tmp_path, tool):
    path = tmp_path / "image:tool"
    path.write_bytes(tool[1])
    path.chmod(0o755)
    assert resolve(str(path)).image is None
