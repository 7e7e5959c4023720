"""`ato verify` on an exported record, alone and against the log that it came from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tampering import Ato, Verify

from pytest_ato.evidence.log import upkeep
from pytest_ato.evidence.log.writer import EvidenceLog
from pytest_ato.evidence.signers.interface import Signer


@pytest.fixture
def exported(signer: Signer, ato: Ato, tmp_path: Path) -> Path:
    """Record 1 of a log of four records under three heads; the key is beside them."""
    log = tmp_path / "evidence.log"
    with EvidenceLog(log, signer) as writer:
        for number in range(2):
            writer.append([{"n": number}])
        writer.append([{"n": 2}, {"n": 3}])
    (tmp_path / "key.pem").write_bytes(signer.public.pem)
    assert ato("evidence", "export", 1, "--log", log, "-o", tmp_path / "exported")[0] == 0
    return tmp_path / "exported"


def test_a_record_is_good_alone_and_in_its_log(exported: Path, verify: Verify) -> None:
    key = exported.parent / "key.pem"
    code, text = verify(exported, "--key", key)
    assert (code, "record 1 is one of the 2 under a head of 20" in text) == (0, True), text
    log = exported.parent / "evidence.log"
    code, text = verify(exported, "--key", key, "--log", log)
    assert (code, "the lasting log begins with the records" in text) == (0, True), text
    upkeep.rotate(log)
    assert verify(exported, "--key", key, "--log", log)[0] == 0
    log.with_name("evidence.log.4").unlink()
    code, text = verify(exported, "--key", key, "--log", log)
    assert code == 1 if "no signed head" in text else 2, text


def test_a_key_that_lies_in_the_folder_is_not_believed(exported: Path, verify: Verify) -> None:
    code, text = verify(exported)
    assert (code, "which you have not pinned" in text) == (2, True), text
    assert verify(exported, "--integrity-only")[0] == 0


@pytest.mark.parametrize(
    ("name", "part", "by", "message"),
    [
        ("record.json", b'"n":1', b'"n":7', "record.json was changed"),
        ("evidence.bin", b'"size":2', b'"size":3', "evidence.bin is a head whose signature"),
        ("evidence.bin", b'"kind":"head"', b'"kind":"note"', "evidence.bin is no head"),
        ("proof.json", b'"hash"', b'"hush"', "record or proof cannot be read"),
        ("public.pem", b"PUBLIC KEY", b"PRIVATE KEY", "this is a private key"),
    ],
)
def test_each_part_that_was_changed_is_named(
    exported: Path, verify: Verify, name: str, part: bytes, by: bytes, message: str
) -> None:
    path = exported / name
    data = path.read_bytes()
    path.write_bytes(data.replace(part, by))
    assert path.read_bytes() != data
    code, text = verify(exported, "--key", exported.parent / "key.pem")
    assert (code, message in text) == (2 if name == "public.pem" else 1, True), text


def test_parts_of_two_exports_do_not_fit(exported: Path, verify: Verify, ato: Ato) -> None:
    log, key = exported.parent / "evidence.log", exported.parent / "key.pem"
    other = exported.parent / "other"
    assert ato("evidence", "export", 2, "--log", log, "-o", other)[0] == 0
    for name in ("record.json", "proof.json"):
        mixed = exported.parent / f"mixed {name}"
        shutil.copytree(exported, mixed)
        shutil.copy(other / name, mixed / name)
        code, text = verify(mixed, "--key", key)
        assert (code, "does not lead to the root" in text) == (1, True), text
    shutil.copy(other / "sig.bin", exported / "sig.bin")
    code, text = verify(exported, "--key", key)
    assert (code, "evidence.bin is a head whose signature" in text) == (1, True), text


def test_a_log_that_was_cut_or_written_anew_is_caught(
    exported: Path, verify: Verify, signer: Signer, tmp_path: Path
) -> None:
    log, key = exported.parent / "evidence.log", exported.parent / "key.pem"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:2]))
    assert json.loads(lines[1])["size"] == 1
    assert verify(log, "--key", key)[0] == 0  # by itself it is whole
    anew = tmp_path / "anew.log"
    with EvidenceLog(anew, signer) as writer:
        for number in range(4):
            writer.append([{"n": number * 10}])
    for each in (log, anew):
        code, text = verify(exported, "--key", key, "--log", each)
        assert (code, "does not begin with the 2 records that this head" in text) == (1, True), text
