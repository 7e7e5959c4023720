"""Evidence of another key, and envelopes that were changed, exchanged or signed anew."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path

import msgspec
import pytest
from signed_reports import audit
from tampering import Ato, Verify, mend_sidecar

from pytest_ato.evidence.seal import Sealer
from pytest_ato.evidence.signers.interface import Signer
from pytest_ato.model.report import Report
from pytest_ato.reports.json import JsonRenderer


def _resign(reports, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the same evidence with a key of one's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    shutil.rmtree(reports.place)
    audit(reports.place, reports.program.parent, "vendor-shell")


def test_evidence_of_another_key_is_not_believed(
    reports, verify: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _resign(reports, tmp_path / "attacker", monkeypatch)
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "which is not the key given" in text) == (1, True), text
    code, text = verify(reports.one)
    assert code == 2
    assert re.search(
        r"could not check: signed by SHA256:[0-9a-f]{64}, which you have not pinned\n", text
    )
    code, text = verify(reports.one, "--integrity-only")
    assert (code, "who that is was not checked" in text) == (0, True), text


def test_a_log_that_two_keys_signed_needs_both(
    reports, verify: Verify, ato: Ato, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "next"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    audit(reports.place, reports.program.parent, "vendor-new")
    (tmp_path / "next.pem").write_text(ato("keys", "show")[1].partition("SHA256:")[0])
    code, text = verify(reports.log, "--key", reports.key)
    assert (code, "which is not the key given" in text) == (1, True), text
    ato("keys", "pin", reports.key)
    assert verify(reports.log)[0] == 2
    ato("keys", "pin", tmp_path / "next.pem")
    code, text = verify(reports.log)
    assert (code, text.count("pinned as")) == (0, 2), text
    code, text = verify(reports.one)
    assert (code, "the lasting log is whole" in text) == (0, True), text


def test_a_report_that_was_false_when_it_was_signed_is_named(
    reports, verify: Verify, signer: Signer, tmp_path: Path
) -> None:
    """Who has the key can sign anything, and still not what the raw events do not give."""
    path = reports.one / "report.json"
    report = msgspec.json.decode(path.read_bytes(), type=Report)
    report = msgspec.structs.replace(report, findings=())
    path.write_bytes(JsonRenderer().render(report))
    made = {"attestation.dsse.json", "test-result.dsse.json", "evidence.log"}
    kept = [each for each in reports.one.iterdir() if each.suffix != ".sha256"]
    digests = {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest()
        for each in kept
        if each.name not in made
    }
    with Sealer(signer, tmp_path / "own.log") as sealer:
        for name, data in sealer.seal(report, digests).items():
            (reports.one / name).write_bytes(data)
    for each in kept:
        mend_sidecar(each)
    (tmp_path / "own.pem").write_bytes(signer.public.pem)
    code, text = verify(reports.one, "--key", tmp_path / "own.pem")
    assert (code, "report.json is not what its raw events give" in text) == (1, True), text


def test_the_envelopes_cannot_be_exchanged(reports, verify: Verify) -> None:
    one, other = (reports.one / f"{name}.dsse.json" for name in ("attestation", "test-result"))
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    mend_sidecar(one)
    mend_sidecar(other)
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "attestation.dsse.json is of another type" in text) == (1, True), text


@pytest.mark.parametrize("field", ["payload", "payloadType", "sig", "keyid", "a second one"])
def test_each_field_of_an_envelope_is_covered(reports, verify: Verify, field: str) -> None:
    path = reports.one / "attestation.dsse.json"
    envelope = json.loads(path.read_bytes())
    (signature,) = envelope["signatures"]
    if field == "payload":
        payload = base64.b64decode(envelope["payload"]).replace(b"vendor-shell", b"vendor-honey")
        envelope["payload"] = base64.b64encode(payload).decode()
    elif field == "payloadType":
        envelope["payloadType"] = "text/plain"
    elif field == "sig":
        data = bytearray(base64.b64decode(signature["sig"]))
        data[-3] ^= 1
        signature["sig"] = base64.b64encode(bytes(data)).decode()
    elif field == "keyid":
        signature["keyid"] = "SHA256:" + "0" * 64
    else:
        envelope["signatures"].append({"keyid": "x", "sig": "AAAA"})
    path.write_text(json.dumps(envelope))
    mend_sidecar(path)
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "bad: attestation.dsse.json" in text) == (1, True), text


def test_an_envelope_signed_by_another_key_is_named(reports, verify: Verify, signer) -> None:
    from pytest_ato.evidence import dsse

    path = reports.one / "attestation.dsse.json"
    envelope = dsse.decode(path.read_bytes())
    path.write_bytes(dsse.seal(envelope.payload, signer))
    mend_sidecar(path)
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "attestation.dsse.json" in text) == (1, True), text
