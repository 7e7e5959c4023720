"""What `ato doctor` says of containers."""

from __future__ import annotations

import pytest

from pytest_ato.model.check import Check
from pytest_ato.runtime.docker import image as images
from pytest_ato.runtime.docker.checks import checks


def test_without_an_engine_a_row_says_how_to_get_one(monkeypatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
    (row,) = checks()
    assert row.state == "optional"
    assert row.found.startswith("no container engine listens at /nonexistent; only")
    assert row.cure == "start it"


@pytest.mark.docker
def test_engine_and_image_have_rows(host: str, image: str) -> None:
    engine, picture = checks()
    assert (engine.topic, engine.state) == ("engine", "ok")
    assert engine.found.endswith(f" at {host}")
    assert (picture.topic, picture.state) == ("image", "ok")
    assert picture.found.startswith(f"{images.DEFAULT}, ")


@pytest.mark.docker
def test_an_image_that_is_not_there_is_built_later(host: str, monkeypatch) -> None:
    monkeypatch.setattr(images, "DEFAULT", "pytest-ato:none")
    _, row = checks()
    assert row == Check(
        topic="image",
        state="optional",
        found="pytest-ato:none is not there yet; the first audit in a container builds it",
        cure="make image, in a checkout",
    )
