"""The key that is made is one that OpenSSH takes, and only its private lines are a marker."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from pytest_ato.honeytokens.sshkey import generate_key, secret_lines, with_comment


def test_openssh_reads_key_and_comment(tmp_path: Path) -> None:
    for comment in ("anna@ws", "b" * 7, "c" * 64):
        file = tmp_path / comment
        file.touch(0o600)
        file.write_text(generate_key(comment))
        command = ["ssh-keygen", "-y", "-P", "", "-f", str(file)]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert shown.split() [2] == comment  # fmt: skip


def test_a_comment_changes_nothing_else() -> None:
    plain = generate_key()
    commented = with_comment(plain, "somebody@host")
    first, second = (load_ssh_private_key(key.encode(), None) for key in (plain, commented))
    assert isinstance(first, RSAPrivateKey)
    assert isinstance(second, RSAPrivateKey)
    assert first.private_numbers() == second.private_numbers()


def test_secret_lines_lie_between_public_numbers_and_comment() -> None:
    text = generate_key("anna@ws")
    lines = secret_lines(text)
    body = text.split("\n")[1:-2]
    at = body.index(lines[0])
    assert tuple(body[at : at + len(lines)]) == lines
    key = load_ssh_private_key(text.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    modulus = key.public_key().public_numbers().n.to_bytes(256)
    blob = base64.b64decode("".join(body))
    assert blob.rindex(modulus) + 256 <= at * 70 * 6 // 8
    assert blob.index(b"anna@ws") * 8 // 6 >= (at + len(lines)) * 70
    secret = key.private_numbers().d.to_bytes(256)[8:-64]
    assert secret in blob[at * 70 * 6 // 8 - 8 :]
