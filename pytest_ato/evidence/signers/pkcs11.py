"""``pkcs11:``, a key in a token (an HSM, a smart card, SoftHSM) behind a module.

Owns the mechanisms, and how long a token that has gone is waited for. A wrong PIN and a locked
token are never tried again by this signer, however often it is asked.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Final

from pytest_ato.evidence.keys import Algorithm, PublicKey
from pytest_ato.evidence.signers import token, uri
from pytest_ato.evidence.signers.interface import KeySigner
from pytest_ato.model.errors import SigningError
from pytest_ato.model.octets import show

PAUSES: Final = (0.1, 0.4, 1.6)
"""Seconds between attempts to reach a token that has gone."""


def open_uri(text: str) -> Pkcs11Signer:
    """Make the signer of a ``pkcs11:`` URI; raises `UsageError`."""
    return Pkcs11Signer(uri.parse(text))


class Pkcs11Signer(KeySigner):
    """Signs through one session, which is opened late and kept; the PIN is not."""

    def __init__(self, where: uri.Pkcs11Uri) -> None:
        self._uri = where
        self._login: token.Login | None = None
        self._public: PublicKey | None = None
        self._model = ""
        self._final: SigningError | None = None

    @property
    def public(self) -> PublicKey:
        """The public half; raises `SigningError`."""
        if self._public is None:
            self._reached()
        assert self._public is not None
        return self._public

    @property
    def algorithm(self) -> Algorithm:
        """What the URI asks for, else the usual of the key's kind."""
        known = self.public.algorithms
        wanted = self._uri.algorithm or known[0]
        if wanted not in known:
            raise SigningError(f"{self.description} cannot sign with {wanted}")
        return wanted

    @property
    def hardware_backed(self) -> bool:
        """As far as a module can be believed; `description` names the token's maker."""
        return True

    @property
    def description(self) -> str:
        """Token and key by name, and who made the token."""
        label = show(self._uri.token or self._uri.serial or "?", 60)
        name = self._uri.object or (self._uri.id or b"").hex()
        made = f" ({self._model})" if self._model else ""
        return f"PKCS#11 token {label}, key {show(name, 60)}{made}"

    def close(self) -> None:
        """End the session."""
        if self._login is not None:
            self._login.close()
            self._login = None

    def _sign(self, data: bytes, algorithm: Algorithm) -> bytes:
        return self._patiently(lambda login: _once(login, data, algorithm))

    def _reached(self) -> None:
        self._patiently(lambda _: b"")

    def _patiently(self, work: Callable[[token.Login], bytes]) -> bytes:
        """Log in and do `work`; again with pauses while the token is gone."""
        if self._final is not None:
            raise self._final
        for pause in (*PAUSES, None):
            try:
                return work(self._logged_in())
            except token.TokenGone as error:
                self.close()
                if pause is None:
                    tries = len(PAUSES) + 1
                    raise type(error)(f"{self.description}: {error} ({tries} attempts)") from None
                time.sleep(pause)
                token.restart(self._uri)
            except SigningError as error:
                self.close()
                self._final = type(error)(f"{self.description}: {error}")
                raise self._final from None
        raise AssertionError("unreachable")

    def _logged_in(self) -> token.Login:
        if self._login is None:
            found = token.login(self._uri)
            if self._public not in (None, found.public):
                found.close()
                raise SigningError("the token has another key under the same name than before")
            self._login, self._public, self._model = found, found.public, found.model
        return self._login


def _once(login: token.Login, data: bytes, algorithm: Algorithm) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from pkcs11 import MGF, Mechanism

    with token.told():
        if algorithm is Algorithm.RSA_PKCS1:
            return _bytes(login.private.sign(data, mechanism=Mechanism.SHA256_RSA_PKCS))
        if algorithm is Algorithm.RSA_PSS:
            parameters = (Mechanism.SHA256, MGF.SHA256, 32)
            return _bytes(
                login.private.sign(
                    data,
                    mechanism=Mechanism.SHA256_RSA_PKCS_PSS,
                    mechanism_param=parameters,
                )
            )
        if algorithm is Algorithm.ED25519:
            return _bytes(login.private.sign(data, mechanism=Mechanism.EDDSA))
        # Few tokens hash for ECDSA themselves; all sign a digest.
        both = _bytes(login.private.sign(_digest(data, algorithm), mechanism=Mechanism.ECDSA))
    half = len(both) // 2
    r, s = (int.from_bytes(part, "big") for part in (both[:half], both[half:]))
    return encode_dss_signature(r, s)


def _digest(data: bytes, algorithm: Algorithm) -> bytes:
    large = algorithm is Algorithm.ECDSA_P384_SHA384
    return (hashlib.sha384 if large else hashlib.sha256)(data).digest()


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise SigningError("the PKCS#11 module returned no signature")
    return value
