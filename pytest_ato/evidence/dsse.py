"""DSSE envelopes (Dead Simple Signing Envelope 1.0): a payload, its type, signatures over both.

Owns the envelope's form and what is signed of it; what a payload says is `statements`' business.
"""

from __future__ import annotations

from typing import Final

import msgspec

from pytest_ato.evidence.keys import Algorithm, PublicKey
from pytest_ato.evidence.signers.interface import Signer

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"


class Signature(msgspec.Struct, frozen=True):
    """A signature and the name of its key."""

    keyid: str
    sig: bytes


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """What a file ``*.dsse.json`` holds."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    def signed_by(self, key: PublicKey) -> bool:
        """Whether one of the signatures is of `key`, in any way in which it can sign."""
        message = encoding(self.payload_type, self.payload)
        return any(
            key.made(each.sig, message, algorithm)
            for each in self.signatures
            for algorithm in key.algorithms
        )


def encoding(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding, PAE: what is signed."""
    name = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def seal(payload: bytes, signer: Signer) -> bytes:
    """Return the file of an envelope around an in-toto statement; raises `SigningError`."""
    how = signer.algorithm
    if how is Algorithm.ECDSA_P384:
        how = Algorithm.ECDSA_P384_SHA384
    signature = signer.sign(encoding(PAYLOAD_TYPE, payload), how)
    envelope = Envelope(payload, PAYLOAD_TYPE, (Signature(signer.public.id, signature),))
    return msgspec.json.encode(envelope) + b"\n"


def decode(data: bytes) -> Envelope:
    """Read an envelope; raises `msgspec.DecodeError`."""
    return msgspec.json.decode(data, type=Envelope)
