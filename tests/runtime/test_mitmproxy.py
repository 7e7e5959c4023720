"""Where mitmproxy's environment is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.runtime.mitmproxy import find


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    place = tmp_path / "venv"
    package = place / "lib/python3.11/site-packages/mitmproxy"
    package.mkdir(parents=True)
    (package / "certs.py").touch()
    (place / "pyvenv.cfg").touch()
    (place / "bin").mkdir()
    (place / "bin/mitmdump").touch(mode=0o755)
    return place


@pytest.mark.parametrize("named", ["", "bin/mitmdump"])
def test_the_variable_names_an_environment_or_the_program_in_it(venv, named):
    assert find({"ATO_MITMPROXY": str(venv / named)}) == venv


def test_an_empty_variable_means_none():
    assert find({"ATO_MITMPROXY": "", "PATH": "/usr/bin"}) is None


def test_a_variable_that_names_neither_is_told(tmp_path):
    with pytest.raises(CaptureUnavailable, match="is no virtual environment with mitmproxy"):
        find({"ATO_MITMPROXY": str(tmp_path)})


def test_it_is_found_inside_our_own_and_by_path(venv, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.prefix", str(tmp_path / "own"))
    assert find({"PATH": str(venv / "bin")}) == venv
    (tmp_path / "own").mkdir()
    venv.rename(tmp_path / "own/mitmproxy")
    assert find({"PATH": ""}) == tmp_path / "own/mitmproxy"


def test_a_program_outside_of_any_environment_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    (tmp_path / "mitmdump").touch(mode=0o755)
    assert find({"PATH": str(tmp_path)}) is None
