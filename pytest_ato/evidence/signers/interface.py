"""What a signer is: one private key somewhere, and signatures that were checked before use.

Owns the contract (`Signer`), and what all have in common that make signatures themselves
(`KeySigner`).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from pytest_ato.evidence.keys import Algorithm, PublicKey
from pytest_ato.model.closing import Closing
from pytest_ato.model.errors import SigningError

ATTEMPTS: Final = 4
"""Signatures that are made before a token that makes bad ones is given up. SoftHSM 2 makes a bad
one with ECDSA now and then (a component that is a byte short); the next is good."""


class BadSignature(SigningError):
    """What was made as a signature is none."""

    kind = "bad_signature"


class Signer(Closing):
    """Signs with one key. Constructing one touches no key; `prepare` does, and so does `sign`."""

    @property
    @abstractmethod
    def public(self) -> PublicKey:
        """The public half; raises `SigningError` when the key cannot be reached."""

    @property
    @abstractmethod
    def algorithm(self) -> Algorithm:
        """How it signs."""

    @property
    @abstractmethod
    def hardware_backed(self) -> bool:
        """Whether the key is said to lie in a token and not in a file."""

    @property
    @abstractmethod
    def description(self) -> str:
        """Where the key lies, for a person; no secret, printable."""

    @property
    def caveat(self) -> str:
        """What a signature of this key does not prove, as a sentence; empty: nothing special."""
        return ""

    def close(self) -> None:
        """Let go of what is open; may be called twice."""

    def prepare(self) -> None:
        """Reach the key now, so that what is wrong is told before it is needed.

        Raises `SigningError`.
        """
        _ = self.public

    @abstractmethod
    def sign(self, data: bytes, algorithm: Algorithm | None = None) -> bytes:
        """Return a signature over `data` that was verified after it was made.

        `algorithm`: another than the usual, of those that the key can. Raises `SigningError`.
        """


class KeySigner(Signer):
    """One that reaches its key itself, and says with `_sign` how one signature is made."""

    @abstractmethod
    def _sign(self, data: bytes, algorithm: Algorithm) -> bytes:
        """Sign `data` once, in the form that `PublicKey.made` takes; raises `SigningError`."""

    def sign(self, data: bytes, algorithm: Algorithm | None = None) -> bytes:
        """Sign until what was made is good, `ATTEMPTS` times at most."""
        how = algorithm or self.algorithm
        for _ in range(ATTEMPTS):
            signature = self._sign(data, how)
            if self.public.made(signature, data, how):
                return signature
        raise BadSignature(
            f"{self.description} made {ATTEMPTS} signatures that its own public key refuses: "
            "nothing was signed; check that its private and public key belong together"
        )
