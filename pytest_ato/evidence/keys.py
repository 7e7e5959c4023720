"""Public keys: their names, their files, and whether a signature is theirs.

Owns the algorithms that evidence may be signed with. Holds no private key, and trusts none: which
key to believe is the caller's decision.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    _Key: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_LEAST_RSA_BITS: Final = 2048
_LARGEST_FILE: Final = 64 << 10


class Algorithm(StrEnum):
    """How a signature is made.

    Of the log the hash is always SHA-256, as in its Merkle tree: a larger one under a P-384
    signature would add nothing, and one openssl command serves all of ECDSA. In envelopes P-384
    comes with SHA-384, the only pair that verifiers of DSSE know.
    """

    ECDSA_P256 = "ecdsa-p256-sha256"
    ECDSA_P384 = "ecdsa-p384-sha256"
    ECDSA_P384_SHA384 = "ecdsa-p384-sha384"
    RSA_PKCS1 = "rsa-pkcs1-sha256"
    RSA_PSS = "rsa-pss-sha256"
    ED25519 = "ed25519"


@dataclass(frozen=True)
class PublicKey:
    """A public key, by its SubjectPublicKeyInfo (RFC 5280) in DER."""

    der: bytes

    @classmethod
    def of(cls, key: _Key) -> PublicKey:
        """Take a key of the cryptography library; raises `UsageError` for a kind not used here."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        made = cls(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        assert made.algorithms
        return made

    @classmethod
    def from_pem(cls, data: bytes) -> PublicKey:
        """Read a public key in PEM; raises `UsageError`."""
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        if b"PRIVATE KEY" in data:
            raise UsageError("this is a private key; give the public one: openssl pkey -pubout")
        try:
            key = load_pem_public_key(data)
        except Exception:  # the library has no one class for what is wrong with a file
            raise UsageError("this is no public key in PEM (-----BEGIN PUBLIC KEY-----)") from None
        return cls.of(key)  # type: ignore[arg-type]  # another kind is refused there

    @classmethod
    def read(cls, path: Path) -> PublicKey:
        """Read a file in PEM; raises `UsageError`."""
        try:
            with path.open("rb") as file:
                data = file.read(_LARGEST_FILE)
        except OSError as error:
            raise UsageError(f"cannot read the key {show(str(path))}: {error.strerror}") from None
        try:
            return cls.from_pem(data)
        except UsageError as error:
            raise UsageError(f"{show(str(path))}: {error}") from None

    @property
    def id(self) -> str:
        """Its name: ``SHA256:`` and 64 hexadecimal digits, the digest of `der`.

        ``openssl pkey -pubin -in public.pem -outform DER | sha256sum`` gives the same.
        """
        return f"SHA256:{hashlib.sha256(self.der).hexdigest()}"

    @property
    def pem(self) -> bytes:
        """The same key in PEM."""
        import base64

        text = base64.b64encode(self.der)
        lines = [text[start : start + 64] for start in range(0, len(text), 64)]
        return b"\n".join([b"-----BEGIN PUBLIC KEY-----", *lines, b"-----END PUBLIC KEY-----", b""])

    @cached_property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """What can be signed with this key, the usual first; raises `UsageError` if nothing."""
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

        key = self._key
        if isinstance(key, ed25519.Ed25519PublicKey):
            return (Algorithm.ED25519,)
        if isinstance(key, ec.EllipticCurvePublicKey):
            if isinstance(key.curve, ec.SECP256R1):
                return (Algorithm.ECDSA_P256,)
            if isinstance(key.curve, ec.SECP384R1):
                return (Algorithm.ECDSA_P384, Algorithm.ECDSA_P384_SHA384)
            raise UsageError(f"keys on the curve {key.curve.name} are not used; take P-256")
        if isinstance(key, rsa.RSAPublicKey):
            if key.key_size < _LEAST_RSA_BITS:
                raise UsageError(f"an RSA key of {key.key_size} bits is too small; take 2048")
            return (Algorithm.RSA_PKCS1, Algorithm.RSA_PSS)
        raise UsageError("a key of this kind is not used; take P-256, P-384, RSA or Ed25519")

    def made(self, signature: bytes, data: bytes, algorithm: str) -> bool:
        """Whether `signature` over `data` is this key's, made as `algorithm` says.

        ECDSA signatures are in DER (RFC 3279), as openssl writes them.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

        key = self._key
        if algorithm not in self.algorithms:
            return False
        sha256, sha384 = hashes.SHA256(), hashes.SHA384()
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, data)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                large = algorithm == Algorithm.ECDSA_P384_SHA384
                key.verify(signature, data, ec.ECDSA(sha384 if large else sha256))
            elif algorithm == Algorithm.RSA_PSS:
                # As long as the hash, what `openssl dgst -sigopt rsa_pss_saltlen:digest` asks for.
                pss = padding.PSS(padding.MGF1(sha256), sha256.digest_size)
                key.verify(signature, data, pss, sha256)
            else:
                key.verify(signature, data, padding.PKCS1v15(), sha256)
        except InvalidSignature:
            return False
        return True

    @cached_property
    def _key(self) -> _Key:
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        try:
            return load_der_public_key(self.der)  # type: ignore[return-value]  # see `algorithms`
        except Exception:  # the library has no one class for what is wrong with a key
            raise UsageError("this is no public key (SubjectPublicKeyInfo)") from None
