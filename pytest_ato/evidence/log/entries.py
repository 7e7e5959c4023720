"""The lines of an evidence log: canonical JSON of one kind each, and their digests.

- *record*: ``digest``, ``kind``, ``payload``, ``prev`` (digest of the record before), ``seq``.
  `digest` is the SHA-256 of the canonical line without it; the leaf of the Merkle tree is the
  whole line without its newline.
- *head*: ``algorithm``, ``key``, ``kind``, ``nonce``, ``prev`` (digest of the head before),
  ``public_key``, ``root``, ``signature``, ``size``, ``time``. The signature covers the canonical
  line without it; the digest of a head is that of its whole line.
- *start*: the first line of a log that continues another: where that one stood. It needs no
  signature, since no root of a later head comes out unless it is true.

Owns their encoding and their form, not the order in which they stand.
"""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from typing import Annotated, Final, TypeAlias

import msgspec

from pytest_ato.evidence.canonical import Json, canonical
from pytest_ato.model.errors import SigningError

NOTHING: Final = "0" * 64
"""`prev` of the first record and of the first head."""
LONGEST: Final = 4 << 20
"""Bytes of one line; a longer one is refused when written, and not read."""

Hash: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]

_DIGEST: Final = re.compile(rb'\{"digest":"([0-9a-f]{64})",')
_SIGNATURE: Final = re.compile(rb'"signature":"[A-Za-z0-9+/=]*",')


class _Entry(msgspec.Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """What all kinds have in common: their name, and no field beyond those declared."""


class Record(_Entry, frozen=True, tag="record"):
    """One fact of evidence; the payload as it stands in the line."""

    digest: Hash
    payload: msgspec.Raw
    prev: Hash
    seq: Count


class Head(_Entry, frozen=True, tag="head"):
    """The signed line that covers all records before it."""

    algorithm: str
    key: str
    """Name of the public key; see `PublicKey.id`."""
    nonce: str
    prev: Hash
    public_key: bytes
    """SubjectPublicKeyInfo. Not to be believed because it stands here."""
    root: Hash
    signature: bytes
    size: Count
    time: str
    """When it was signed, by the clock of who signed: RFC 3339, UTC."""


class Start(_Entry, frozen=True, tag="start"):
    """Where the log stood that this one continues."""

    head: Hash
    """Digest of its last head."""
    record: Hash
    """Digest of its last record."""
    size: Count
    tree: tuple[Hash, ...]
    """Frontier of its Merkle tree, largest subtree first."""


Entry: TypeAlias = Record | Head | Start
_DECODER: Final[msgspec.json.Decoder[Entry]] = msgspec.json.Decoder(Entry)


def decode(line: bytes) -> Entry:
    """Decode one line; raises `msgspec.DecodeError`, of which `ValidationError` is one."""
    try:
        return _DECODER.decode(line)
    except (UnicodeDecodeError, RecursionError) as error:  # see `MALFORMED`
        raise msgspec.DecodeError(str(error)) from None


def encode_record(seq: int, prev: str, payload: Json | msgspec.Raw) -> tuple[bytes, str]:
    """Return a record's line, without its newline, and its digest; raises `SigningError`.

    A payload that is `Raw` is canonical already, by the word of who made it.
    """
    ready = bytes(payload) if isinstance(payload, msgspec.Raw) else canonical(payload)
    rest = b'"kind":"record","payload":%b,"prev":"%b","seq":%d}' % (
        ready,
        prev.encode(),
        seq,
    )
    if len(rest) > LONGEST - 100:
        raise SigningError(f"a record of {len(rest):,} bytes is too long for the evidence log")
    digest = sha256(b"{" + rest).hexdigest()
    return b'{"digest":"%b",' % digest.encode() + rest, digest


def record_digest(line: bytes) -> str | None:
    """Compute what `digest` of a record's line must be; None if it is not written as it must."""
    match = _DIGEST.match(line)
    return sha256(b"{" + line[match.end() :]).hexdigest() if match else None


def head_message(head: Head) -> bytes:
    """Return what a head's signature covers: the canonical line without it."""
    fields = msgspec.to_builtins(head)
    del fields["signature"]
    return canonical(fields)


def encode_head(message: bytes, signature: bytes) -> bytes:
    """Return a head's line, without its newline, from what was signed and the signature."""
    text = base64.b64encode(signature)
    at = message.index(b'"size":')
    return message[:at] + b'"signature":"%b",' % text + message[at:]


def signed_part(line: bytes) -> bytes | None:
    """Return what the signature of a head's line covers, taken from the line itself."""
    part, number = _SIGNATURE.subn(b"", line)
    return part if number == 1 else None


def encode_start(start: Start) -> bytes:
    """Return the line that continues a log, without its newline."""
    return canonical(msgspec.to_builtins(start))
