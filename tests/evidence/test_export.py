"""`ato evidence export`: whoever has the files checks them with openssl and sha256sum alone."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
from softhsm import KINDS, Token
from tampering import Ato

from pytest_ato.evidence import merkle
from pytest_ato.evidence.log import upkeep
from pytest_ato.evidence.log.writer import EvidenceLog
from pytest_ato.evidence.signers import open_signer
from pytest_ato.evidence.signers.interface import Signer

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = ("README.md", "docs/verifying-evidence.md")
LABELS: Final = {
    "file": "ECDSA",
    "p256": "ECDSA",
    "p384": "ECDSA",
    "rsa": "RSA PKCS#1 v1.5",
    "pss": "RSA-PSS",
    "ed25519": "Ed25519",
}
"""How the documentation calls each kind of key."""
FILES: Final = {
    *("record.json", "proof.json", "evidence.bin", "sig.bin", "sig.b64"),
    *("public.pem", "verify.sh"),
}


def documented(page: str, label: str) -> str:
    """The one openssl command of a page for a kind of key, as it is printed there."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    commands = [line.partition("  # ") for line in lines if line.startswith("openssl ")]
    (found,) = [command for command, _, told in commands if label in told.split(", ")]
    return found


def sh(command: str, place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command], cwd=place, capture_output=True, text=True, check=False
    )


def _log(place: Path, signer: Signer, records: int = 5) -> Path:
    log = place / "evidence.log"
    with EvidenceLog(log, signer) as writer:
        writer.append([{"n": number} for number in range(records - 1)])
        writer.append([{"n": records - 1}])
    return log


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("kind", ["file", *(pytest.param(k, marks=pytest.mark.hsm) for k in KINDS)])
def test_the_documented_commands_verify_each_kind_of_key(
    request: pytest.FixtureRequest, kind: str, page: str, ato: Ato, tmp_path: Path
) -> None:
    if kind == "file":
        log = _log(tmp_path, request.getfixturevalue("signer"))
    else:
        token: Token = request.getfixturevalue("token")
        with open_signer(token.uri(kind)) as signer:
            log = _log(tmp_path, signer)
    to = tmp_path / "exported"
    code, text = ato("evidence", "export", 2, "--log", log, "-o", to)
    command = documented(page, LABELS[kind])
    assert (code, f"or by hand, in {to}: {command.strip()}\n" in text) == (0, True), text
    assert {each.name for each in to.iterdir()} == FILES
    good = sh(command, to)
    expected = "Signature Verified Successfully" if kind == "ed25519" else "Verified OK"
    assert (good.returncode, good.stdout.strip()) == (0, expected), good.stderr
    script = sh("sh verify.sh", to)
    assert (script.returncode, script.stdout.splitlines()[-1]) == (0, "Record OK"), script
    assert base64.b64decode((to / "sig.b64").read_bytes()) == (to / "sig.bin").read_bytes()
    data = (to / "evidence.bin").read_bytes()
    (to / "evidence.bin").write_bytes(data.replace(b'"size":4', b'"size":5'))
    assert sh(command, to).returncode != 0
    assert sh("sh verify.sh", to).returncode != 0


@pytest.mark.parametrize("records", [2, 3, 6, 9])
def test_each_record_leads_to_its_head_by_sha256_alone(
    signer: Signer, ato: Ato, tmp_path: Path, records: int
) -> None:
    log = _log(tmp_path, signer, records)
    for number in range(records):
        to = tmp_path / str(number)
        assert ato("evidence", "export", number, "--log", log, "-o", to)[0] == 0
        assert sh("sh verify.sh", to).stdout.splitlines()[-1] == "Record OK"
        proof = json.loads((to / "proof.json").read_bytes())
        record = (to / "record.json").read_bytes()
        assert json.loads(record)["payload"] == {"n": number}
        assert merkle.included(
            merkle.leaf(record),
            number,
            proof["size"],
            [bytes.fromhex(each["hash"]) for each in proof["path"]],
            bytes.fromhex(proof["root"]),
        )
    (to / "record.json").write_bytes(record.replace(b'"n":', b'"n":1'))
    changed = sh("sh verify.sh", to)
    assert changed.returncode == 1
    assert "NOT in the head" in changed.stdout


def test_a_record_of_a_rotated_log_is_found(signer: Signer, ato: Ato, tmp_path: Path) -> None:
    log = _log(tmp_path, signer)
    upkeep.rotate(log)
    with EvidenceLog(log, signer) as writer:
        writer.append([{"n": 5}, {"n": 6}])
    for number in (1, 6):
        to = tmp_path / str(number)
        assert ato("evidence", "export", number, "--log", log, "-o", to)[0] == 0
        assert sh("sh verify.sh", to).stdout.splitlines()[-1] == "Record OK"


def test_what_cannot_be_exported_is_told(signer: Signer, ato: Ato, tmp_path: Path) -> None:
    log = _log(tmp_path, signer)
    (tmp_path / "there").mkdir()
    for arguments, code, message in (
        ((99,), 2, "there is no record 99 in"),
        ((0, "-o", tmp_path / "there"), 2, "is there already; name another"),
        ((0, "-o", log / "x"), 2, "cannot write"),
        ((0, "--log", tmp_path / "no.log"), 2, "cannot read"),
    ):
        got, text = ato("evidence", "export", "--log", log, *arguments)
        assert (got, message in text) == (code, True), text
        assert len(text.splitlines()) == 1
    log.write_bytes(log.read_bytes().replace(b'"n":0', b'"n":9'))
    got, text = ato("evidence", "export", "--log", log, 0, "-o", tmp_path / "new")
    assert (got, "line 1 is record 0, and was changed" in text) == (1, True), text
    assert not (tmp_path / "new").exists()


# --- keys


def test_a_pinned_key_is_believed_and_listed(
    reports, ato: Ato, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert ato("keys", "list") == (0, "no key is pinned\n")
    assert ato("verify", reports.one)[0] == 2
    code, text = ato("keys", "pin", reports.key, "--name", "release")
    (name,) = re.findall(r"SHA256:[0-9a-f]{64}", text)
    assert (code, text) == (0, f"pinned {name} as release\n")
    assert ato("keys", "list") == (0, f"{name}  release\n")
    code, text = ato("verify", reports.one)
    assert (code, f"good: signed by {name} (pinned as release)" in text) == (0, True), text
    fingerprint = sh("openssl pkey -pubin -in key.pem -outform DER | sha256sum", reports.key.parent)
    assert fingerprint.stdout.split()[0] == name.removeprefix("SHA256:")


def test_what_is_no_public_key_is_not_pinned(ato: Ato, tmp_path: Path) -> None:
    sh("openssl ecparam -genkey -name prime256v1 -noout -out private.pem", tmp_path)
    sh("openssl ecparam -genkey -name secp256k1 -noout | openssl ec -pubout -out k1.pem", tmp_path)
    for name, message in (
        ("private.pem", "this is a private key"),
        ("k1.pem", "keys on the curve secp256k1 are not used"),
        ("none.pem", "cannot read the key"),
    ):
        code, text = ato("keys", "pin", tmp_path / name)
        assert (code, message in text, len(text.splitlines())) == (2, True, 1), text


@pytest.mark.hsm
@pytest.mark.parametrize("kind", KINDS)
def test_the_public_half_of_a_key_in_a_token_is_shown(token: Token, kind: str, ato: Ato) -> None:
    code, text = ato("keys", "show", token.uri(kind))
    assert (code, text.startswith("-----BEGIN PUBLIC KEY-----\n")) == (0, True), text
    assert "PKCS#11 token ato-test" in text
