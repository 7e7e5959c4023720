"""Every way to change evidence that we could think of: each is caught, and the part is named."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signed_reports import audit

from pytest_ato.evidence.log.chain import Broken, Chain
from pytest_ato.evidence.verification.trust import Keys

Verify: TypeAlias = Callable[..., tuple[int, str]]


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
    for path in (tmp_path / "no", tmp_path / "empty"):
        code, text = verify(path, "--key", reports.key)
        assert (code, "could not check" in text) == (2, True), text
    code, text = verify(reports.one, "--key", reports.program)
    assert (code, "no public key in PEM" in text) == (2, True), text


def test_a_report_nobody_signed_could_not_be_checked(reports, verify: Verify) -> None:
    for name in ("evidence.log", "attestation.dsse.json", "test-result.dsse.json"):
        (reports.one / name).unlink()
    code, text = verify(reports.one, "--key", reports.key)
    assert (code, "this report is not signed" in text) == (2, True), text
