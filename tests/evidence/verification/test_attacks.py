"""Every way to change the files of a report that we could think of: each is caught and named."""

from __future__ import annotations

import os
import shutil

import pytest
from tampering import Verify, flip, mend_sidecar

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
