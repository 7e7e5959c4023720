"""A SoftHSM token of the test's own, with one key of each kind; and a key file's signer."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from authority import Authority, serving
from faulty import Faulty, build
from signed_reports import Reports, audit
from softhsm import Token, fill, make_token, module
from tampering import Ato

sys.path.pop(0)

from pytest_ato.evidence.signers import open_signer
from pytest_ato.evidence.signers.interface import Signer


@pytest.fixture(scope="session")
def token(
    tmp_path_factory: pytest.TempPathFactory, lack: Callable[[str, str], NoReturn]
) -> Iterator[Token]:
    """A token with keys ``p256``, ``p384``, ``rsa``, ``ed25519``, for the whole session: a PKCS#11
    module reads its configuration once in a process, also where another folder has this fixture."""
    found = module()
    if found is None:
        lack("hsm", "SoftHSM 2 is not installed")
    before = os.environ.get("SOFTHSM2_CONF")
    known = Path(before or os.devnull).parent
    if (known / "pin").exists():
        yield Token(known, found, known / "pin")
        return
    place = tmp_path_factory.mktemp("softhsm")
    made = Token(place, found, place / "pin")
    make_token(made)
    os.environ["SOFTHSM2_CONF"] = made.configuration
    fill(made)
    yield made
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


@pytest.fixture(scope="session")
def faulty_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PKCS#11 module that fails as told, compiled once."""
    return build(tmp_path_factory.mktemp("module"))


@pytest.fixture
def faulty(
    token: Token, faulty_module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Faulty:
    """The token, behind that module."""
    made = Faulty(token, faulty_module, tmp_path / "faults", tmp_path / "calls")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def signer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Signer]:
    """The signer of a key file that is made for the test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with open_signer("file:") as made:
        made.prepare()
        yield made


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    """A timestamp authority of the test's own."""
    with serving(tmp_path / "authority") as serves:
        yield serves


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
def ato(capsys: pytest.CaptureFixture[str]) -> Ato:
    """Run `ato` in this process; returns exit code and all output."""
    from pytest_ato.cli import main

    def run(*arguments: object) -> tuple[int, str]:
        code = main([*map(str, arguments)])
        written = capsys.readouterr()
        return code, written.out + written.err

    return run
