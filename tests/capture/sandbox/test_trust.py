"""Trust stores: what the host has, and the session's authority, wherever programs look."""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture.proxy import authority
from pytest_ato.capture.sandbox import keystore, trust


@pytest.fixture(scope="module")
def made():
    return authority.make()


@pytest.fixture
def host(tmp_path: Path) -> Path:
    certs = tmp_path / "host/etc/ssl/certs"
    certs.mkdir(parents=True)
    (certs / "ca-certificates.crt").write_bytes(b"the host's\n")
    (certs / "Other.pem").write_text("other")
    (certs / "0a1b2c3d.0").symlink_to("Other.pem")
    return tmp_path / "host"


def built(tmp_path, made, host):
    directory = tmp_path / "stores"
    directory.mkdir()
    return trust.build(directory, pem=made.certificate, der=made.der, host=host), directory


def test_the_bundle_has_both_and_the_directory_leads_to_ours(tmp_path, made, host):
    stores, directory = built(tmp_path, made, host)
    certs = directory / "certs"
    assert (certs / "ca-certificates.crt").read_bytes() == b"the host's\n" + made.certificate
    assert (certs / "0a1b2c3d.0").read_text() == "other"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=str(certs / trust._HASHES[0]))
    assert len(context.get_ca_certs()) == 1
    assert {bind.dest for bind in stores.binds} == {"/etc/ssl/certs"}
    assert stores.links["etc/pki/tls/certs/ca-bundle.crt"] == "/etc/ssl/certs/ca-certificates.crt"
    assert stores.links["etc/ssl/cert.pem"] == "/etc/ssl/certs/ca-certificates.crt"


def test_a_host_without_any_gets_ours_alone(tmp_path, made):
    (tmp_path / "empty").mkdir()
    _, directory = built(tmp_path, made, tmp_path / "empty")
    assert (directory / "certs/ca-certificates.crt").read_bytes() == made.certificate


def test_a_java_store_is_written_once_more_and_bound_over_the_old(tmp_path, made, host):
    place = host / "usr/lib/jvm/java-17/lib/security"
    place.mkdir(parents=True)
    empty = keystore._HEADER.pack(keystore._MAGIC, 2, 0)
    (place / "cacerts").write_bytes(empty + keystore._digest(empty))
    stores, _ = built(tmp_path, made, host)
    (bind,) = [b for b in stores.binds if b.dest != "/etc/ssl/certs"]
    assert bind.dest == "/usr/lib/jvm/java-17/lib/security/cacerts"
    assert made.der in bind.source.read_bytes()


def test_a_pkcs12_store_becomes_one_that_every_jdk_reads(made):
    certificate = x509.load_der_x509_certificate(made.der)
    store = pkcs12.serialize_key_and_certificates(
        None, None, None, [certificate], BestAvailableEncryption(b"changeit")
    )
    other = authority.make()
    data = keystore.with_certificate(store, other.der, "session")
    assert made.der in data
    assert other.der in data
    assert data[-20:] == keystore._digest(data[:-20])
    assert len(data[-20:]) == hashlib.sha1().digest_size


@pytest.mark.skipif(shutil.which("keytool") is None, reason="no JDK is here")
def test_the_jdk_itself_reads_what_was_written(tmp_path, made):
    empty = keystore._HEADER.pack(keystore._MAGIC, 2, 0)
    data = keystore.with_certificate(empty + keystore._digest(empty), made.der, "session")
    (tmp_path / "cacerts").write_bytes(data)
    words = ["-list", "-keystore", str(tmp_path / "cacerts"), "-storepass", "changeit"]
    listed = subprocess.run(
        ["keytool", *words], capture_output=True, text=True, check=True, env=os.environ
    )
    assert "session" in listed.stdout
    assert "trustedCertEntry" in listed.stdout


@given(st.binary(max_size=100), st.booleans())
def test_any_other_file_is_refused(data, headed):
    with pytest.raises(keystore.UnknownKeystore):
        keystore.with_certificate(b"\xfe\xed\xfe\xed" * headed + data[:20], b"der", "x")
