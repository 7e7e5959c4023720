"""Every way to change evidence that we could think of: each is caught, and the part is named."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signed_reports import audit

from pytest_ato.evidence.log.chain import Broken, Chain
from pytest_ato.evidence.seal import Sealer
from pytest_ato.evidence.signers.interface import Signer
from pytest_ato.evidence.verification.trust import Keys
from pytest_ato.model.report import Report
from pytest_ato.reports.json import JsonRenderer

Verify: TypeAlias = Callable[..., tuple[int, str]]
Ato: TypeAlias = Callable[..., tuple[int, str]]


def mend_sidecar(path: Path) -> None:
    """What anybody can do after a change: recompute the checksum beside the file."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n")


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


FILES = (
    "events.jsonl",
    "report.json",
    "report.md",
    "report.html",
    "junit.xml",
    "results.sarif",
    "attestation.dsse.json",
    "test-result.dsse.json",
    "evidence.log",
)


def test_it_is_good_as_it_is(reports, verify: Verify) -> None:
    for folder in (reports.one, reports.other):
        code, text = verify(folder, "--key", reports.key)
        assert (code, ": good: signed by" in text) == (0, True), text
        assert "recomputed from the raw events: it is the same" in text
        assert "the lasting log is whole" in text
        assert "in a key file (not hardware-backed); a key that was made on this machine" in text
    assert verify(reports.log, "--key", reports.key)[0] == 0


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_of_a_file_is_named(reports, verify: Verify, name: str) -> None:
    flip(reports.one / name, (reports.one / name).stat().st_size // 2)
    code, text = verify(reports.one, "--key", reports.key)
    assert code == 1, text
    assert f"bad: {name}" in text


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("at", [0.02, 0.35, 0.5, 0.8, 0.99])
def test_a_flipped_bit_with_a_mended_sidecar_is_named(
    reports, verify: Verify, name: str, at: float
) -> None:
    path = reports.one / name
    flip(path, int(path.stat().st_size * at))
    mend_sidecar(path)
    code, text = verify(reports.one, "--key", reports.key)
    assert code == 1, text
    assert name in text


@pytest.mark.parametrize("name", FILES)
def test_a_changed_or_missing_sidecar_is_named(reports, verify: Verify, name: str) -> None:
    sidecar = reports.one / f"{name}.sha256"
    flip(sidecar, 5)
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, f"{name}.sha256" in text) == (1, True), text
    sidecar.unlink()
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, f"{name}.sha256 is missing" in text) == (1, True), text


@pytest.mark.parametrize("name", [name for name in FILES if name not in ("events.jsonl",)])
def test_a_missing_file_is_named(reports, verify: Verify, name: str) -> None:
    (reports.one / name).unlink()
    code, text = verify(reports.one, "--key", reports.key)
    assert code == (2 if name == "evidence.log" else 1), text
    assert name in text
    if code == 1:
        (reports.one / f"{name}.sha256").unlink()
        code, text = verify(reports.one, "--key", reports.key)
        assert (code, name in text) == (1, True), text


def test_a_file_that_was_added_is_named(reports, verify: Verify) -> None:
    (reports.one / "verdict.html").write_text("<p>APPROVE")
    mend_sidecar(reports.one / "verdict.html")
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "verdict.html is not covered" in text) == (1, True), text


def test_a_report_that_says_better_is_named(reports, verify: Verify) -> None:
    path = reports.one / "report.json"
    path.write_bytes(path.read_bytes().replace(b'"REJECT"', b'"APPROVE"'))
    mend_sidecar(path)
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "report.json was changed, its sidecar with it" in text) == (1, True), text


@pytest.mark.parametrize("name", ["evidence.log", "attestation.dsse.json", "report.json"])
def test_a_file_of_another_run_is_named(reports, verify: Verify, name: str) -> None:
    shutil.copy(reports.other / name, reports.one / name)
    mend_sidecar(reports.one / name)
    code, text = verify(reports.one, "--key", reports.key)
    assert code == 1, text
    assert name in text or "another" in text


def test_an_old_report_does_not_stand_for_a_new_program(reports, verify: Verify) -> None:
    arguments = (reports.one, "--key", reports.key, "--target", reports.program)
    assert verify(*arguments)[0] == 0
    reports.program.write_text("#!/bin/sh\n# the next version\n")
    code, text = verify(*arguments)
    assert (code, "the report is not about" in text) == (1, True), text


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


Change: TypeAlias = Callable[[list[bytes]], list[bytes]]
LINES: dict[str, Change] = {
    "first removed": lambda lines: lines[1:],
    "middle removed": lambda lines: [*lines[:1], *lines[2:]],
    "last head removed": lambda lines: lines[:-1],
    "repeated": lambda lines: [*lines[:1], *lines],
    "reordered": lambda lines: [lines[1], lines[0], *lines[2:]],
    "truncated line": lambda lines: [*lines[:-1], lines[-1][:-40]],
    "empty": lambda _: [],
    "one word": lambda lines: [line.replace(b"REJECT", b"APPROVE") for line in lines],
}


@pytest.mark.parametrize("change", LINES)
def test_changed_lines_of_the_logs_are_named(reports, verify: Verify, change: str) -> None:
    lines = reports.log.read_bytes().splitlines()
    reports.log.write_bytes(b"".join(line + b"\n" for line in LINES[change](lines)))
    code, text = verify(reports.log, "--key", reports.key)
    assert code == 1, text
    assert re.search(r"line \d+|at the end|no signed head", text), text
    path = reports.one / "evidence.log"
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"".join(line + b"\n" for line in LINES[change](lines)))
    mend_sidecar(path)
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "evidence.log" in text) == (1, True), text


@pytest.mark.parametrize("change", [name for name in LINES if name != "one word"])
def test_changed_lines_of_the_raw_log_are_named(reports, verify: Verify, change: str) -> None:
    path = reports.one / "events.jsonl"
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"".join(line + b"\n" for line in LINES[change](lines)))
    mend_sidecar(path)
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "bad: events.jsonl was changed, its sidecar with it" in text) == (1, True), text


def test_a_head_of_another_log_does_not_fit(reports, verify: Verify, tmp_path: Path) -> None:
    audit(tmp_path / "elsewhere", reports.program.parent, "vendor-shell", "vendor-rawip")
    lines = reports.log.read_bytes().splitlines(keepends=True)
    others = (tmp_path / "elsewhere" / "evidence.log").read_bytes().splitlines(keepends=True)
    assert len(lines) == len(others)
    reports.log.write_bytes(b"".join([*lines[:-1], others[-1]]))
    code, text = verify(reports.log, "--key", reports.key)
    assert (code, f"line {len(lines)} is a head" in text) == (1, True), text


def test_the_old_name_of_the_command_does_the_same(reports) -> None:
    program = Path(sys.executable).with_name("verify-report")
    command = [program, reports.one, "--key", reports.key, "--quiet"]
    good = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (good.returncode, ": good: signed by SHA256:" in good.stdout) == (0, True), good
    flip(reports.one / "report.md", 10)
    bad = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (bad.returncode, ": bad: report.md was changed" in bad.stdout) == (1, True), bad


def test_a_lasting_log_that_was_cut_at_a_head_is_caught_by_the_folders(
    reports, verify: Verify
) -> None:
    lines = reports.log.read_bytes().splitlines(keepends=True)
    first_head = next(n for n, line in enumerate(lines) if b'"kind":"head"' in line)
    reports.log.write_bytes(b"".join(lines[: first_head + 1]))
    assert verify(reports.log, "--key", reports.key)[0] == 0  # by itself it is a whole, older log
    code, text = verify(reports.other, "--key", reports.key)
    assert (code, "has no record of this run: it was cut" in text) == (1, True), text


def test_logs_of_two_places_cannot_be_exchanged(reports, verify: Verify, tmp_path: Path) -> None:
    audit(tmp_path / "elsewhere", reports.program.parent, "vendor-shell")
    shutil.copy(tmp_path / "elsewhere" / "evidence.log", reports.log)
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "has no record of this run" in text) == (1, True), text


HEAD_FIELDS = (
    "algorithm",
    "key",
    "nonce",
    "prev",
    "public_key",
    "root",
    "signature",
    "size",
    "time",
)


@pytest.mark.parametrize("field", HEAD_FIELDS)
def test_each_field_of_a_head_is_under_the_signature(reports, verify: Verify, field: str) -> None:
    lines = reports.log.read_bytes().splitlines()
    head = json.loads(lines[-1])
    value = head[field]
    if isinstance(value, int):
        head[field] = value - 1
    elif field in ("signature", "public_key"):
        data = bytearray(base64.b64decode(value))
        data[-5] ^= 1
        head[field] = base64.b64encode(bytes(data)).decode()
    else:
        head[field] = value[:-1] + ("0" if value[-1] != "0" else "1")
    lines[-1] = json.dumps(head, sort_keys=True, separators=(",", ":")).encode()
    reports.log.write_bytes(b"".join(line + b"\n" for line in lines))
    code, text = verify(reports.log, "--key", reports.key)
    assert (code, f"line {len(lines)} " in text) == (1, True), text


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_changed_byte_of_a_log_passes(made: Path, data: st.DataObject) -> None:
    content = (made / "reports" / "evidence.log").read_bytes()
    at = data.draw(st.integers(0, len(content) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != content[at]))
    changed = content[:at] + bytes([byte]) + content[at + 1 :]
    chain = Chain(Keys().check_head)
    with pytest.raises(Broken):  # noqa: PT012
        for line in changed[:-1].split(b"\n"):
            chain.feed(line)
        chain.finish()


def test_without_raw_events_all_the_rest_is_checked(reports, verify: Verify) -> None:
    (reports.one / "events.jsonl").unlink()
    code, text = verify(reports.one, "--key", reports.key)
    sentence = "raw events are not here: their digest is signed, the report was not recomputed"
    assert (code, sentence in text) == (0, True), text
    code, text = verify(reports.one, "--key", reports.key, "--require-events")
    assert (code, sentence in text) == (2, True), text
    flip(reports.one / "report.md", 100)
    mend_sidecar(reports.one / "report.md")
    assert verify(reports.one, "--key", reports.key)[0] == 1


def test_what_is_no_evidence_could_not_be_checked(reports, verify: Verify, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "no", tmp_path / "empty", tmp_path / "fifo"):
        code, text = verify(path, "--key", reports.key)
        assert (code, "could not check" in text) == (2, True), text
    code, text = verify(reports.one, "--key", reports.program)
    assert (code, "no public key in PEM" in text) == (2, True), text


def test_a_report_nobody_signed_could_not_be_checked(reports, verify: Verify) -> None:
    for name in ("evidence.log", "attestation.dsse.json", "test-result.dsse.json"):
        (reports.one / name).unlink()
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "this report is not signed" in text) == (2, True), text


HOSTILE = {
    "nested lists": b"[" * 200_000,
    "nested objects": b'{"x":' * 200_000,
    "nested in a field": b'{"payload":"","payloadType":"","signatures":[],"x":' + b"[" * 200_000,
    "no UTF-8": b'{"\xff":1}',
    "a long line": b"x" * (5 << 20),
    "nothing": b"",
    "null": b"null",
}


@pytest.mark.parametrize("name", ["evidence.log", "attestation.dsse.json", "report.json"])
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_end_in_one_line(reports, verify: Verify, name: str, what: str) -> None:
    path = reports.one / name
    path.write_bytes(HOSTILE[what])
    mend_sidecar(path)
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, len(text.splitlines())) == (1, 1), text
    assert name in text
    assert len(text) < 1000


def test_links_and_pipes_in_a_folder_are_not_read(reports, verify: Verify) -> None:
    path = reports.one / "report.md"
    path.unlink()
    os.mkfifo(path)
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "report.md is no regular file" in text) == (1, True), text
    path.unlink()
    path.symlink_to(reports.other / "report.md")
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "report.md is no regular file" in text) == (1, True), text
