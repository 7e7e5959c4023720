"""Timestamps of a real authority: granted, and everything else that it may answer."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from authority import Authority

from pytest_ato.evidence import timestamp
from pytest_ato.model.errors import SigningError, UsageError, VerificationError

DATA = b"an attestation"


def test_what_was_granted_is_verified_by_us_and_by_openssl(
    authority: Authority, tmp_path: Path
) -> None:
    response = timestamp.ask(authority.url, DATA)
    when = timestamp.check(response, DATA, authority.root.read_bytes())
    assert timedelta(0) <= datetime.now(UTC) - when < timedelta(minutes=5)
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "response.tsr").write_bytes(response)
    ran = subprocess.run(
        [
            *("openssl", "ts", "-verify", "-data", "data", "-in", "response.tsr"),
            *("-CAfile", authority.root),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Verification: OK" in ran.stdout + ran.stderr


def test_only_a_digest_goes_out(authority: Authority) -> None:
    timestamp.ask(authority.url, DATA)
    (request,) = authority.asked
    assert sha256(DATA).digest() in request
    assert DATA not in request


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("refused", r"gave no timestamp: it was not granted \(status 2\)"),
        ("garbage", "gave no timestamp: this is no timestamp response"),
        ("endless", "does not answer: its answer does not end"),
        ("error", "does not answer: Service Unavailable"),
        ("other digest", "timestamped something else"),
    ],
)
def test_what_is_no_timestamp_of_ours_is_told(
    authority: Authority, mode: str, message: str
) -> None:
    authority.mode = mode
    with pytest.raises(SigningError, match=rf"the timestamp authority 127\.0\.0\.1 {message}"):
        timestamp.ask(authority.url, DATA)


def test_an_answer_to_another_request_is_told(authority: Authority) -> None:
    timestamp.ask(authority.url, DATA)
    authority.mode = "replay"
    with pytest.raises(SigningError, match="another nonce"):
        timestamp.ask(authority.url, DATA)


def test_one_that_is_silent_or_gone_is_told(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timestamp, "SECONDS", 0.2)
    authority.mode = "silent"
    with pytest.raises(SigningError, match="does not answer: timed out"):
        timestamp.ask(authority.url, DATA)
    authority.released.set()
    with pytest.raises(SigningError, match="does not answer"):
        timestamp.ask("http://127.0.0.1:9/", DATA)  # discard: nobody listens


@pytest.mark.parametrize("url", ["ftp://a.example/", "file:///etc/passwd", "http://", "tsa"])
def test_only_an_url_of_the_web_is_asked(url: str) -> None:
    with pytest.raises(UsageError, match="expected the URL"):
        timestamp.check_url(url)


def test_a_timestamp_is_good_for_its_data_and_under_its_authority_only(
    authority: Authority, tmp_path: Path
) -> None:
    response = timestamp.ask(authority.url, DATA)
    root = authority.root.read_bytes()
    with pytest.raises(VerificationError, match="Mismatch between messages"):
        timestamp.check(response, DATA + b"!", root)
    other = Authority(tmp_path / "other")
    with pytest.raises(VerificationError, match="the timestamp is not good"):
        timestamp.check(response, DATA, other.root.read_bytes())
    with pytest.raises(UsageError, match="no PEM file"):
        timestamp.check(response, DATA, b"no certificate")


def test_no_changed_byte_makes_another_time(authority: Authority) -> None:
    response = timestamp.ask(authority.url, DATA)
    root = authority.root.read_bytes()
    when = timestamp.check(response, DATA, root)
    passed = 0
    for at in range(0, len(response), 3):
        changed = bytes([*response[:at], response[at] ^ 1, *response[at + 1 :]])
        try:
            assert timestamp.check(changed, DATA, root) == when
        except VerificationError:
            continue
        passed += 1  # a few bytes of the envelope around what is signed say nothing
    assert passed <= 5
