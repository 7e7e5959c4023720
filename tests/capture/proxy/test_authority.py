"""The session's authority: what a client checks of it holds, and its key is nowhere but in it."""

from __future__ import annotations

import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from pytest_ato.capture.proxy import authority
from pytest_ato.capture.proxy.authority import Authority
from pytest_ato.capture.sandbox import trust


@pytest.fixture(scope="module")
def made() -> Authority:
    return authority.make()


@pytest.fixture(scope="module")
def certificate(made: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(made.certificate)


def test_it_is_a_certificate_authority_that_signed_itself(
    made: Authority, certificate: x509.Certificate
) -> None:
    certificate.verify_directly_issued_by(certificate)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert (constraints.critical, constraints.value.ca) == (True, True)
    assert usage.value.key_cert_sign
    key = load_pem_private_key(made.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == certificate.public_key()
    assert certificate.public_bytes(Encoding.DER) == made.der


def test_it_soon_ends_and_a_client_s_clock_may_be_behind(certificate: x509.Certificate) -> None:
    now = datetime.datetime.now(datetime.UTC)
    assert certificate.not_valid_before_utc < now - datetime.timedelta(days=1)
    left = certificate.not_valid_after_utc - now
    assert datetime.timedelta(days=1) < left < datetime.timedelta(days=8)


def test_each_session_has_its_own(made: Authority) -> None:
    other = authority.make()
    assert other.key != made.key
    numbers = {x509.load_der_x509_certificate(one.der).serial_number for one in (made, other)}
    assert len(numbers) == 2


def test_openssl_finds_it_under_the_names_of_the_trust_stores(made: Authority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=made.certificate.decode())
    (told,) = context.get_ca_certs()
    assert dict(word for (word,) in told["subject"])["commonName"] == authority._NAME
    assert authority._NAME.replace(" ", "_") == trust._NAME


def test_its_name_tells_the_target_nothing_of_what_it_is(certificate: x509.Certificate) -> None:
    text = certificate.subject.rfc4514_string().lower()
    assert not any(word in text for word in ("ato", "pytest", "mitm", "proxy", "test"))


def test_the_key_is_not_shown(made: Authority) -> None:
    assert "PRIVATE" not in repr(made)
    assert made.pem == made.key + made.certificate
