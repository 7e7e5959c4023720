"""Signing with a real token, and what is said when it cannot be reached."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from softhsm import KINDS, Token

from pytest_ato.evidence.signers import open_signer

pytestmark = pytest.mark.hsm


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_accepts_what_a_token_signs(token: Token, kind: str, tmp_path: Path) -> None:
    with open_signer(token.uri(kind)) as signer:
        signature = signer.sign(b"evidence")
        assert signer.hardware_backed
        (tmp_path / "public.pem").write_bytes(signer.public.pem)
    (tmp_path / "sig.bin").write_bytes(signature)
    (tmp_path / "evidence.bin").write_bytes(b"evidence")
    if kind == "ed25519":
        command = "pkeyutl -verify -rawin -pubin -inkey public.pem -sigfile sig.bin -in"
    else:
        pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest" if kind == "pss" else ""
        command = f"dgst -sha256 {pss} -verify public.pem -signature sig.bin"
    ran = subprocess.run(
        ["openssl", *command.split(), "evidence.bin"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Verified" in ran.stdout
