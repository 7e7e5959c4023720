"""What goes wrong with tokens: each is told apart, waited for or not, and shows no PIN."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from faulty import (
    DEVICE_REMOVED,
    PIN_EXPIRED,
    PIN_INCORRECT,
    PIN_LOCKED,
    SESSION_HANDLE_INVALID,
    SPOILED,
    TOKEN_NOT_PRESENT,
    Faulty,
)
from softhsm import PIN, Token, add_token, make_token

from pytest_ato.evidence.signers import open_signer, pkcs11
from pytest_ato.evidence.signers.interface import ATTEMPTS
from pytest_ato.model.errors import SigningError, UsageError

pytestmark = pytest.mark.hsm


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pkcs11, "PAUSES", (0.01, 0.02, 0.04))


def test_a_bad_signature_is_noticed_and_made_again(faulty: Faulty) -> None:
    faulty.plan(("sign", 2, SPOILED))
    with open_signer(faulty.uri("p256")) as signer:
        signature = signer.sign(b"evidence")
        assert signer.public.made(signature, b"evidence", signer.algorithm)
    assert faulty.made("S") == 3


def test_a_token_that_makes_only_bad_signatures_is_given_up(faulty: Faulty) -> None:
    faulty.plan(("sign", 99, SPOILED))
    with (
        open_signer(faulty.uri("p256")) as signer,
        pytest.raises(SigningError, match="its own public key refuses"),
    ):
        signer.sign(b"evidence")
    assert faulty.made("S") == ATTEMPTS


@pytest.mark.parametrize("code", [SESSION_HANDLE_INVALID, DEVICE_REMOVED, TOKEN_NOT_PRESENT])
def test_a_session_that_is_lost_is_opened_again(faulty: Faulty, code: int) -> None:
    with open_signer(faulty.uri("rsa")) as signer:
        signer.sign(b"before")
        faulty.plan(("sign", 2, code))
        signature = signer.sign(b"after")
        assert signer.public.made(signature, b"after", signer.algorithm)
    assert faulty.made("L") == 3


def test_a_token_that_has_gone_is_waited_for_and_then_told(faulty: Faulty) -> None:
    with open_signer(faulty.uri("p256")) as signer:
        signer.prepare()
        faulty.plan(("sign", 99, DEVICE_REMOVED))
        with pytest.raises(SigningError, match=r"does not answer: DeviceRemoved.*4 attempts"):
            signer.sign(b"evidence")
        faulty.plan()
        signer.sign(b"it is back")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (PIN_INCORRECT, "refuses the PIN; it was tried once"),
        (PIN_LOCKED, "the token is locked"),
        (PIN_EXPIRED, "PIN has expired"),
    ],
)
def test_a_refused_login_is_told_and_never_tried_again(
    faulty: Faulty, code: int, message: str
) -> None:
    faulty.plan(("login", 99, code))
    with open_signer(faulty.uri("p256")) as signer:
        for _ in range(3):
            with pytest.raises(SigningError, match=message):
                signer.sign(b"evidence")
            with pytest.raises(SigningError, match=message):
                signer.prepare()
    assert faulty.made("L") == 1


def test_a_wrong_pin_of_a_real_token_is_tried_once_and_shown_nowhere(
    token: Token, tmp_path: Path
) -> None:
    (tmp_path / "pin").write_text("wrong-pin-4711\n")
    (tmp_path / "pin").chmod(0o600)
    uri = token.uri("p256", **{"pin-source": str(tmp_path / "pin")})
    code = (
        "import sys\n"
        "from pytest_ato.evidence.signers import open_signer\n"
        "open_signer(sys.argv[1]).sign(b'x')\n"
    )
    # In a process of its own: in this one another test may be logged in.
    ran = subprocess.run(
        [sys.executable, "-c", code, uri], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "the token refuses the PIN" in ran.stderr
    assert "4711" not in ran.stderr


def _uri(**attributes: str) -> Callable[[Token], str]:
    return lambda token: token.uri("p256", **attributes)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (lambda token: token.uri("nobody"), "no private key in the token matches"),
        (lambda token: token.uri("p256").replace("ato-test", "other"), "no token matches"),
        (_uri(**{"module-path": "/no/such/module.so"}), "cannot load the PKCS#11 module"),
        (_uri(**{"pin-source": "/no/such/pin"}), "cannot read the PIN file"),
        (_uri(algorithm="rsa-pss-sha256"), "cannot sign with rsa-pss-sha256"),
    ],
)
def test_what_does_not_match_is_told(
    token: Token,
    uri: Callable[[Token], str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_signer(uri(token)) as signer, pytest.raises(SigningError, match=message):
        signer.sign(b"evidence")


def test_two_keys_of_one_name_are_refused_until_the_id_tells_them_apart(token: Token) -> None:
    import pkcs11 as library
    from pkcs11 import KeyType

    with (
        library.lib(token.module)
        .get_token(token_label="ato-test")
        .open(rw=True, user_pin=PIN) as session
    ):
        for number in (b"\x21", b"\x22"):
            session.generate_keypair(KeyType.RSA, 2048, label="twin", id=number, store=True)
    with (
        open_signer(token.uri("twin")) as signer,
        pytest.raises(SigningError, match="2 private keys match"),
    ):
        signer.sign(b"evidence")
    with open_signer(token.uri("twin;id=%22")) as signer:
        signer.sign(b"evidence")


def test_two_tokens_of_one_name_are_refused_until_the_serial_tells_them_apart(
    token: Token, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins = Token(tmp_path, token.module, tmp_path / "pin")
    monkeypatch.setenv("SOFTHSM2_CONF", twins.configuration)
    make_token(twins)
    add_token(twins)
    # In a process of its own: a module reads its configuration once in each.
    code = "import sys; from pytest_ato.cli import main; sys.exit(main())"
    ran = subprocess.run(
        [sys.executable, "-c", code, "keys", "show", twins.uri("p256")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "2 tokens match the pkcs11: URI, exactly one must: add serial=" in ran.stderr


def test_a_pin_file_for_all_is_refused(token: Token, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text(PIN)
    (tmp_path / "pin").chmod(0o644)
    uri = token.uri("p256", **{"pin-source": str(tmp_path / "pin")})
    with open_signer(uri) as signer, pytest.raises(SigningError, match="chmod 600") as error:
        signer.sign(b"evidence")
    assert PIN not in str(error.value)


def test_the_pin_may_come_from_the_environment_and_is_not_kept(
    token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = token.uri("p256", **{"pin-source": ""})
    monkeypatch.delenv("ATO_PKCS11_PIN", raising=False)
    with open_signer(uri) as signer, pytest.raises(SigningError, match="no PIN for the token"):
        signer.sign(b"evidence")
    monkeypatch.setenv("ATO_PKCS11_PIN", PIN)
    with open_signer(uri) as signer:
        signer.sign(b"evidence")
        assert PIN not in repr(vars(signer))


def test_a_token_whose_files_are_gone_ends_clearly(
    token: Token, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "none.conf"))
    (tmp_path / "none.conf").write_text(f"directories.tokendir = {tmp_path}\n")
    code = (
        "import sys\n"
        "from pytest_ato.evidence.signers import open_signer, pkcs11\n"
        "pkcs11.PAUSES = (0.01,)\n"
        "from pytest_ato.model.errors import SigningError\n"
        "try:\n open_signer(sys.argv[1]).sign(b'x')\n"
        "except SigningError as error:\n print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, token.uri("p256")],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert "no token matches the pkcs11: URI" in ran.stdout


def test_a_pin_in_the_uri_is_refused_and_not_repeated(token: Token) -> None:
    with pytest.raises(UsageError, match="ATO_PKCS11_PIN") as error:
        open_signer(token.uri("p256", **{"pin-value": "secret-4711"}))
    assert "4711" not in str(error.value)
