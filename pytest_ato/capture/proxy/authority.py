"""A certificate authority that lives as long as a capture session.

Owns its making. The key is never written to a disk: it goes to the proxy through a pipe, and is
forgotten with the session.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

_LIFE = datetime.timedelta(days=7)
_BACKDATED = datetime.timedelta(days=2)
"""A client's clock may be behind."""
_NAME = "Internet Trust Services Root R1"
"""Looks like any other authority: the target may read its name."""


@dataclass(frozen=True)
class Authority:
    """One session's authority."""

    certificate: bytes
    """PEM."""
    der: bytes
    key: bytes = field(repr=False)
    """PEM, not encrypted."""

    @property
    def pem(self) -> bytes:
        """Key and certificate, as the proxy takes them."""
        return self.key + self.certificate


def make() -> Authority:
    """Make a new one: P-256, since a handshake signs with it for every connection."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Internet Trust Services"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, _NAME),
        ]
    )
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(
        certificate=certificate.public_bytes(forms.Encoding.PEM),
        der=certificate.public_bytes(forms.Encoding.DER),
        key=key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()),
    )
