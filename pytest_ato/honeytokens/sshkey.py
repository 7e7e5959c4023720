"""The SSH key: a real RSA key in OpenSSH's own format, and the part of it that is secret.

Apart from the rest because making one takes about 100 ms: a caller can do that in a thread while
it waits for something else. The randomness is OpenSSL's.
"""

from __future__ import annotations

import base64
from typing import Final

KEY_BITS: Final = 2048

_BEGIN: Final = "-----BEGIN OPENSSH PRIVATE KEY-----"
_END: Final = "-----END OPENSSH PRIVATE KEY-----"
_LINE: Final = 70


def generate_key(comment: str = "") -> str:
    """Return an unencrypted private key as ``ssh-keygen -t rsa -b 2048`` writes it."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    ).decode()
    return with_comment(text, comment) if comment else text


def with_comment(key: str, comment: str) -> str:
    """Return `key` with another comment, which OpenSSH keeps inside the private section."""
    blob = base64.b64decode("".join(key.split("\n")[1:-2]))
    start = _after_fields(blob, 0, _HEADER_FIELDS)
    private_start = start + 4
    fields_end = _after_fields(blob, private_start + 8, _PRIVATE_FIELDS)
    private = blob[private_start:fields_end] + _field(comment.encode())
    # The section is padded with 1, 2, 3, ... to the cipher's block size, 8 for "none".
    private += bytes(range(1, -len(private) % 8 + 1))
    body = base64.b64encode(blob[:start] + _field(private)).decode()
    lines = [body[at : at + _LINE] for at in range(0, len(body), _LINE)]
    return "\n".join((_BEGIN, *lines, _END, ""))


def secret_lines(key: str) -> tuple[str, ...]:
    """Return the lines of `key` that hold nothing but private numbers.

    Everything before them is shared by all such keys or is the public key, which an honest SSH
    client shows to a server; the last line holds the comment.
    """
    lines = key.split("\n")[1:-2]
    blob = base64.b64decode("".join(lines))
    private = _after_fields(blob, 0, _HEADER_FIELDS) + 4 + 8
    first = _after_fields(blob, private, _PUBLIC_FIELDS) + 4
    last = _after_fields(blob, private, _PRIVATE_FIELDS)
    chars = range(-(-first * 8 // 6), last * 8 // 6)
    return tuple(
        line
        for number, line in enumerate(lines)
        if number * _LINE >= chars.start and (number + 1) * _LINE <= chars.stop
    )


# PROTOCOL.key of OpenSSH: magic, cipher, kdf, kdf options, number of keys, public key, private
# section; in the latter two check numbers, type, n, e, d, iqmp, p, q, comment, padding.
_MAGIC: Final = len(b"openssh-key-v1\0")
_HEADER_FIELDS: Final = (_MAGIC, None, None, None, 4, None)
_PUBLIC_FIELDS: Final = (None, None, None)
_PRIVATE_FIELDS: Final = (None,) * 7


def _after_fields(blob: bytes, at: int, fields: tuple[int | None, ...]) -> int:
    """Skip fields of a fixed size, or (None) with a length of four bytes in front."""
    for size in fields:
        at += size if size is not None else 4 + int.from_bytes(blob[at : at + 4])
    return at


def _field(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data
