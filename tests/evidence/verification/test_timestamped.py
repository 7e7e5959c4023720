"""`ato verify` on a report with a timestamp."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from authority import Authority
from signed_reports import audit
from tampering import Verify

NAME = "attestation.dsse.json.tsr"


@pytest.fixture
def stamped(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two timestamped audits, and the key."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "programs").mkdir()
    key = audit(
        *(tmp_path / "reports", tmp_path / "programs", "vendor", "app-rawip"),
        authority=authority.url,
    )
    (tmp_path / "key.pem").write_bytes(key.pem)
    return tmp_path


def test_the_time_is_told_under_the_certificate_that_is_given(
    stamped: Path, authority: Authority, verify: Verify, tmp_path: Path
) -> None:
    folder = (stamped / "reports" / "vendor", "--key", stamped / "key.pem")
    code, text = verify(*folder)
    assert (code, "the timestamp was not checked: give its" in text) == (0, True), text
    code, text = verify(*folder, "--tsa", authority.root)
    assert (code, "timestamped 20" in text) == (0, True), text
    other = Authority(tmp_path / "other")
    code, text = verify(*folder, "--tsa", other.root)
    assert (code, "bad: the timestamp is not good" in text) == (1, True), text
    for wrong, message in ((stamped / "key.pem", "no PEM file"), (tmp_path / "no", "cannot read")):
        code, text = verify(*folder, "--tsa", wrong)
        assert (code, message in text) == (2, True), text


def test_the_timestamp_of_another_run_is_named(
    stamped: Path, authority: Authority, verify: Verify
) -> None:
    one, other = stamped / "reports" / "vendor", stamped / "reports" / "app-rawip"
    for name in (NAME, f"{NAME}.sha256"):
        shutil.copy(other / name, one / name)
    code, text = verify(one, "--key", stamped / "key.pem", "--tsa", authority.root)
    assert (code, f"{NAME} was changed" in text) == (1, True), text
    for name in (NAME, f"{NAME}.sha256"):
        (one / name).unlink()
    code, text = verify(one, "--key", stamped / "key.pem")
    assert (code, f"{NAME} is missing" in text) == (1, True), text


def test_a_timestamp_that_is_wanted_must_be_there(
    reports, authority: Authority, verify: Verify
) -> None:
    code, text = verify(reports.one, "--key", reports.key, "--tsa", authority.root)
    assert (code, "could not check: there is no timestamp" in text) == (2, True), text
