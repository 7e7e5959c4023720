"""The attestations of an audit, as others read them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
from softhsm import KINDS, Token

from pytest_ato.evidence import dsse
from pytest_ato.evidence.signers import open_signer
from pytest_ato.evidence.signers.interface import Signer

SCHEMES = {
    "p256": "ecdsa-sha2-nistp256",
    "p384": "ecdsa-sha2-nistp384",
    "rsa": "rsa-pkcs1v15-sha256",
    "pss": "rsassa-pss-sha256",
    "ed25519": "ed25519",
}


def their_key(signer: Signer, scheme: str) -> SSlibKey:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(signer.public.pem)
    return SSlibKey.from_crypto(key, keyid=signer.public.id, scheme=scheme)


@pytest.mark.hsm
@pytest.mark.parametrize("kind", KINDS)
def test_securesystemslib_verifies_an_envelope_of_each_kind_of_key(token: Token, kind: str) -> None:
    with open_signer(token.uri(kind)) as signer:
        data = dsse.seal(b'{"_type":"x"}', signer)
        key = their_key(signer, SCHEMES[kind])
    Envelope.from_dict(json.loads(data)).verify([key], 1)
    changed = json.loads(data)
    changed["payload"] = changed["payload"][:-4] + "AAAA"
    with pytest.raises(VerificationError):
        Envelope.from_dict(changed).verify([key], 1)


@pytest.mark.parametrize(
    ("name", "predicate"), [("attestation", "runtime-trace"), ("test-result", "test-result")]
)
def test_both_attestations_of_an_audit(reports, name: str, predicate: str) -> None:
    folder: Path = reports.one
    data = json.loads((folder / f"{name}.dsse.json").read_bytes())
    signer = open_signer("file:")
    Envelope.from_dict(dict(data)).verify([their_key(signer, SCHEMES["p256"])], 1)
    envelope = dsse.decode((folder / f"{name}.dsse.json").read_bytes())
    assert envelope.payload_type == "application/vnd.in-toto+json"
    statement = json.loads(envelope.payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == f"https://in-toto.io/attestation/{predicate}/v0.1"
    target = hashlib.sha256(reports.program.read_bytes()).hexdigest()
    assert statement["subject"] == [{"name": "vendor-shell", "digest": {"sha256": target}}]
    told = statement["predicate"]
    named = {each["name"]: each.get("digest") for each in told.get("configuration", ())}
    named |= {each["name"]: each["digest"] for each in told.get("evidence", ())}
    for file in ("events.jsonl", "report.json"):
        digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        assert named[file] == {"sha256": digest}


def test_what_the_predicates_need_is_there(reports) -> None:
    trace, result = (
        json.loads(dsse.decode((reports.one / f"{name}.dsse.json").read_bytes()).payload)
        for name in ("attestation", "test-result")
    )
    assert set(trace["predicate"]) >= {"monitor", "monitoredProcess", "monitorLog", "metadata"}
    assert set(trace["predicate"]["monitorLog"]) == {"process", "network", "fileAccess"}
    assert result["predicate"]["result"] == "FAILED"
    assert result["predicate"]["failedTests"] == ["reverse_shell"]
    assert "beaconing" in result["predicate"]["passedTests"]
