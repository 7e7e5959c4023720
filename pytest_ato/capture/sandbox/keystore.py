"""A Java trust store with one more certificate in it.

Owns the two formats that a JDK keeps its `cacerts` in. What is written is always JKS: every JDK
reads it, whatever format it expects (``keystore.type.compat``). Layout: sun.security.provider,
JavaKeyStore; all integers are big-endian.
"""

from __future__ import annotations

import hashlib
import struct

_PASSWORD = "changeit"  # noqa: S105 - everybody's: it guards against accidents, not against people
_MAGIC = 0xFEEDFEED
_HEADER = struct.Struct(">III")
_VERSION = 2
_TRUSTED = 2
_DIGEST = 20
_MADE = 0
"""An entry wants the time of its making; nobody reads it, and so equal stores are equal bytes."""


class UnknownKeystore(ValueError):
    """The file is of no format that is known here."""


def with_certificate(store: bytes, der: bytes, alias: str) -> bytes:
    """Return `store` (JKS or PKCS #12) with a certificate added, as JKS.

    Raises `UnknownKeystore`.
    """
    if store[:4] == _MAGIC.to_bytes(4):
        if len(store) < _HEADER.size + _DIGEST:
            raise UnknownKeystore("the keystore is cut short")
        _, version, count = _HEADER.unpack_from(store)
        if version != _VERSION:
            raise UnknownKeystore(f"the keystore is of version {version}")
        entries = store[_HEADER.size : -_DIGEST]
    else:
        others = _from_pkcs12(store)
        count = len(others)
        entries = b"".join(_entry(other, f"ca{at}") for at, other in enumerate(others))
    body = _HEADER.pack(_MAGIC, _VERSION, count + 1) + entries + _entry(der, alias)
    return body + _digest(body)


def _entry(der: bytes, alias: str) -> bytes:
    head = _TRUSTED.to_bytes(4) + _text(alias) + _MADE.to_bytes(8)
    return head + _text("X.509") + len(der).to_bytes(4) + der


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2) + data


def _digest(body: bytes) -> bytes:
    key = _PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite"
    return hashlib.sha1(key + body).digest()  # noqa: S324 - the format's own


def _from_pkcs12(store: bytes) -> list[bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

    for password in (_PASSWORD.encode(), None):
        try:
            found = pkcs12.load_pkcs12(store, password)
        except ValueError:
            continue
        return [one.certificate.public_bytes(Encoding.DER) for one in found.additional_certs]
    raise UnknownKeystore("the keystore is neither JKS nor PKCS #12")
