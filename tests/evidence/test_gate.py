"""The gate with `--ato-require-hsm`: what cannot be signed as asked ends in one clear line, red."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from faulty import DEVICE_REMOVED, PIN_INCORRECT, PIN_LOCKED, Faulty
from softhsm import Token

from pytest_ato.model.report import Report

pytestmark = pytest.mark.hsm

SCRIPTED = Path(__file__).parents[1] / "plugin"
RUN = "import scripted_capture as s, sys; s.install(); from pytest_ato.cli import main; "
COMMANDS = {
    "pytest": (
        *("-m", "pytest", "-p", "scripted_capture"),
        *("-p", "no:cacheprovider", "-p", "no:hypothesispytest"),
    ),
    "ato": ("-c", RUN + "sys.exit(main())", "run"),
}
USAGE = {"pytest": 4, "ato": 2}
UNSIGNED = {"pytest": 1, "ato": 2}
Gate: TypeAlias = Callable[..., tuple[int, str]]


@pytest.fixture
def gate(face: str, tmp_path: Path) -> Gate:
    """Audit a program that does nothing wrong through one face; only the capture is scripted."""
    program = tmp_path / "vendor" / "agent"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)

    def run(*options: str) -> tuple[int, str]:
        how = [f"--ato-{each}" if face == "pytest" else f"--{each}" for each in options]
        target = [f"--ato-target={program}"] if face == "pytest" else [str(program)]
        ran = subprocess.run(
            [sys.executable, "-P", *COMMANDS[face], *how, *target],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(SCRIPTED), "ATO_TEST_SCRIPTED": "1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        text = ran.stdout + ran.stderr
        assert "Traceback" not in text
        return ran.returncode, text

    return run


PYTEST = pytest.mark.parametrize("face", ["pytest"])
ATO = pytest.mark.parametrize("face", ["ato"])
BOTH = pytest.mark.parametrize("face", COMMANDS)


@PYTEST
def test_a_key_in_a_token_passes(gate: Gate, token: Token, tmp_path: Path) -> None:
    import msgspec

    code, text = gate("require-hsm", f"sign={token.uri('p256')}")
    assert code == 0, text
    data = (tmp_path / "ato-report" / "agent" / "report.json").read_bytes()
    signer = msgspec.json.decode(data, type=Report).provenance.signer
    assert "PKCS#11 token ato-test, key p256 (SoftHSM project SoftHSM v2)" in signer
    assert "not hardware-backed" not in signer


@pytest.mark.parametrize(("face", "sign"), [("pytest", "sign=file:"), ("ato", "sign=none")])
def test_without_a_token_nothing_runs(gate: Gate, face: str, sign: str, tmp_path: Path) -> None:
    code, text = gate("require-hsm", sign)
    assert (code, "require-hsm needs a key in a token" in text) == (USAGE[face], True), text
    assert not (tmp_path / "ato-report").exists()


def _refused(gate: Gate, face: str, uri: str, message: str) -> None:
    code, text = gate("require-hsm", f"sign={uri}")
    assert code == USAGE[face], text
    lines = [line for line in text.splitlines() if message in line]
    assert len(lines) == 1, text
    assert "passed" not in text


@ATO
def test_a_module_that_is_not_there_is_told_before_anything_runs(
    gate: Gate, face: str, token: Token
) -> None:
    uri = token.uri("p256", **{"module-path": "/no/such/module.so"})
    _refused(gate, face, uri, "cannot load the PKCS#11 module /no/such/module.so")


@PYTEST
def test_a_wrong_pin_is_told_before_anything_runs(
    gate: Gate, face: str, token: Token, tmp_path: Path
) -> None:
    (tmp_path / "wrong").write_text("wrong-pin-4711\n")
    (tmp_path / "wrong").chmod(0o600)
    uri = token.uri("p256", **{"pin-source": str(tmp_path / "wrong")})
    _refused(gate, face, uri, "the token refuses the PIN")


@pytest.mark.parametrize(
    ("face", "code", "message"),
    [("ato", PIN_INCORRECT, "refuses the PIN"), ("pytest", PIN_LOCKED, "the token is locked")],
)
def test_a_refused_login_is_tried_once(
    gate: Gate, face: str, faulty: Faulty, code: int, message: str
) -> None:
    faulty.plan(("login", 99, code))
    _refused(gate, face, faulty.uri("p256"), message)
    assert faulty.made("L") == 1


@BOTH
def test_a_token_that_is_lost_during_the_audit_fails_each_test(
    gate: Gate, face: str, faulty: Faulty, tmp_path: Path
) -> None:
    faulty.plan(("sign", 99, DEVICE_REMOVED))
    code, text = gate("require-hsm", f"sign={faulty.uri('p256')}")
    assert code == UNSIGNED[face], text
    assert "NOT SIGNED: PKCS#11 token ato-test" in text
    assert "the token does not answer: DeviceRemoved" in text
    assert " passed" not in text  # not even the test of a category, should -k leave it alone
    report = tmp_path / "ato-report" / "agent"
    assert (report / "report.json").exists()
    assert not (report / "attestation.dsse.json").exists()


@ATO
def test_a_timestamp_that_was_asked_for_and_not_given_fails(gate: Gate, face: str) -> None:
    code, text = gate("timestamp=http://127.0.0.1:9/")
    assert code == UNSIGNED[face], text
    assert "NOT SIGNED: the timestamp authority 127.0.0.1 does not answer" in text


@ATO
def test_a_timestamp_without_a_signature_is_refused(gate: Gate, face: str) -> None:
    code, text = gate("timestamp=http://127.0.0.1:9/", "sign=none")
    assert (code, "timestamp needs a signature" in text) == (USAGE[face], True), text
