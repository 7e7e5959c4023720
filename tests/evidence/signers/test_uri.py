"""The grammar of `pkcs11:` URIs (RFC 7512) and of signers by URI."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.evidence import signers
from pytest_ato.evidence.keys import Algorithm
from pytest_ato.evidence.signers.uri import parse
from pytest_ato.model.errors import UsageError

MODULE = "module-path=/usr/lib/m.so"


def test_all_that_a_uri_can_say() -> None:
    found = parse(
        "pkcs11:token=My%20token;serial=01;manufacturer=M;model=v2;slot-id=7;object=sign%3Bkey;"
        f"id=%01%ff;type=private?{MODULE}&pin-source=file:/run/pin&algorithm=rsa-pss-sha256"
    )
    assert (found.token, found.serial, found.manufacturer) == ("My token", "01", "M")
    assert (found.model, found.slot_id) == ("v2", 7)
    assert (found.object, found.id) == ("sign;key", b"\x01\xff")
    assert (found.module_path, found.pin_source) == (Path("/usr/lib/m.so"), Path("/run/pin"))
    assert found.algorithm is Algorithm.RSA_PSS


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("pkcs11:object=k", "which module"),
        (f"pkcs11:token=t?{MODULE}", "which key"),
        (f"pkcs11:object=k;object=j?{MODULE}", "object stands twice"),
        (f"pkcs11:object=k;colour=red?{MODULE}", "not understood"),
        (f"pkcs11:object=%zz?{MODULE}", "not understood"),
        (f"pkcs11:object=%ff?{MODULE}", "not valid UTF-8"),
        (f"pkcs11:object=k;slot-id=x?{MODULE}", "is no number"),
        (f"pkcs11:object=k;type=cert?{MODULE}", "names a private key"),
        ("pkcs11:object=k?module-path=relative.so", "absolute path"),
        (f"pkcs11:object=k?{MODULE}&pin-source=%7Cprogram", "absolute path"),
        (f"pkcs11:object=k?{MODULE}&algorithm=md5", "must be one of"),
        (f"pkcs11:object=k?{MODULE}&pin-value=s3cret", "pin-source="),
    ],
)
def test_what_it_cannot_say(uri: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        parse(uri)
    assert "s3cret" not in str(error.value)


@given(st.text(max_size=60))
def test_any_text_is_a_uri_or_one_clear_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse("pkcs11:" + text)


@pytest.mark.parametrize("uri", ["", "x", "https://example.com/key", "pkcs12:x", "none:"])
def test_unknown_schemes_are_refused(uri: str) -> None:
    with pytest.raises(UsageError, match=r"one of file:, pkcs11:"):
        signers.open_signer(uri)


def test_others_bring_signers_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signers, "_REGISTERED", {})
    made = signers.open_signer("file:")
    signers.register("vault", lambda _: made)
    assert signers.open_signer("vault:key") is made
