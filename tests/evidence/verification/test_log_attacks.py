"""Every way to change a log that we could think of: each is caught, with the line."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signed_reports import audit
from tampering import Verify, mend_sidecar

from pytest_ato.evidence.log.chain import Broken, Chain
from pytest_ato.evidence.verification.trust import Keys

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
