"""The key file: made once, private, and refused where others could have read it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ato.evidence.signers import open_signer
from pytest_ato.evidence.signers.interface import Signer
from pytest_ato.model.errors import SigningError


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state/pytest-ato/signing-key.pem"


def test_the_first_use_makes_a_private_key_of_p_256(state: Path) -> None:
    signer = open_signer("file:")
    assert not state.exists()
    signature = signer.sign(b"evidence")
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.parent.stat().st_mode) == 0o700
    assert signer.algorithm == "ecdsa-p256-sha256"
    again = open_signer("file:")
    assert again.public == signer.public
    assert again.public.made(signature, b"evidence", again.algorithm)
    assert not again.public.made(signature, b"evidencf", again.algorithm)


def test_it_is_called_what_it_is(state: Path) -> None:
    signer = open_signer("file:")
    assert not signer.hardware_backed
    assert "not hardware-backed" in signer.description
    assert "proves integrity only" in signer.caveat


def test_many_at_once_make_one_key(state: Path) -> None:
    code = (
        "from pytest_ato.evidence.signers import open_signer; print(open_signer('file:').public.id)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(4)
    ]
    assert len({process.communicate(timeout=60)[0] for process in running}) == 1
    assert [path.name for path in state.parent.iterdir()] == [state.name]


@pytest.mark.parametrize(
    ("options", "algorithm"),
    [
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "ecdsa-p384-sha256"),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "rsa-pkcs1-sha256"),
        ("-algorithm ED25519", "ed25519"),
    ],
)
def test_a_key_that_openssl_made(tmp_path: Path, options: str, algorithm: str) -> None:
    path = tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "genpkey", *options.split(), "-out", path], check=True, capture_output=True
    )
    path.chmod(0o600)
    signer = open_signer(f"file:{path}")
    assert signer.algorithm == algorithm
    assert signer.public.made(signer.sign(b"x"), b"x", algorithm)


def _refused(signer: Signer, message: str) -> None:
    with pytest.raises(SigningError, match=message):
        signer.sign(b"evidence")


def test_keys_that_others_can_read_or_replace_are_refused(state: Path, tmp_path: Path) -> None:
    open_signer("file:").prepare()
    state.chmod(0o640)
    _refused(open_signer("file:"), "read or replaced by others")
    state.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(state, 12345, 0)
        _refused(open_signer("file:"), "read or replaced by others")
        os.chown(state, 0, 0)
    (tmp_path / "link").symlink_to(state)
    _refused(open_signer(f"file:{tmp_path / 'link'}"), "cannot be read or made")


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no key")
    (tmp_path / "text").chmod(0o600)
    _refused(open_signer(f"file:{tmp_path / 'text'}"), "no private key in PEM")
    _refused(open_signer(f"file:{tmp_path / 'none'}"), "No such file")
    _refused(open_signer(f"file:{tmp_path}"), "no regular file|Is a directory")
    weak = tmp_path / "weak.pem"
    subprocess.run(
        [*"openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out".split(), weak],
        check=True,
        capture_output=True,
    )
    weak.chmod(0o600)
    _refused(open_signer(f"file:{weak}"), "1024 bits is too small")


def test_a_state_directory_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    _refused(open_signer("file:"), "cannot be read or made")
