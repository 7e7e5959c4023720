"""A target that looks into the sandbox's trust stores, and trusts each of them alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ato.audit import Options, Outcome
from pytest_ato.capture.sandbox import trust
from pytest_ato.model.events import Output
from pytest_ato.model.octets import raw
from pytest_ato.target import resolve

pytestmark = pytest.mark.privileged

STORES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian
    "/etc/pki/tls/certs/ca-bundle.crt",  # Red Hat
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine
)
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
FOLDER = "/etc/ssl/certs"
JAVA_STORES = sorted(
    {"/etc/ssl/certs/java/cacerts"}
    | {f"/{path.relative_to('/')}" for path in Path("/usr/lib/jvm").glob("*/lib/security/cacerts")}
)
TARGET = r"""
import json, os, shutil, socket, ssl, subprocess

def trusts(**where):
    # None: the certificate that the name's server shows is good by this store alone
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(**where)
        plain = socket.create_connection((HOST, 443), 20)
        with context.wrap_socket(plain, server_hostname=HOST) as channel:
            channel.sendall(f"GET / HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
            while channel.recv(4096):
                pass
    except (OSError, ssl.SSLError) as error:
        return str(error)

def keeps(store):
    words = ["-list", "-keystore", store, "-storepass", "changeit", "-alias", ALIAS]
    result = subprocess.run(["keytool", *words], capture_output=True, text=True)
    return None if "trustedCertEntry" in result.stdout else result.stdout + result.stderr

found = {name: os.environ.get(name, "") for name in VARIABLES}
stores = {store: trusts(cafile=store) for store in {*STORES, *found.values()}}
folder = {FOLDER: trusts(capath=FOLDER)}
java = {store: keeps(store) for store in JAVA_STORES if shutil.which("keytool")}
print(json.dumps([found, stores, folder, java]))
"""
CONSTANTS = {
    "HOST": "api.vendor.example",
    "STORES": STORES,
    "VARIABLES": VARIABLES,
    "FOLDER": FOLDER,
    "JAVA_STORES": JAVA_STORES,
    "ALIAS": "internet_trust_services_root_r1",
}


@pytest.fixture(scope="module")
def outcome(auditor, vendor) -> Outcome:
    constants = "".join(f"{name} = {value!r}\n" for name, value in CONSTANTS.items())
    target = resolve(str(vendor(constants + TARGET, python=True)))
    return auditor.audit(target, Options(timeout=180))


@pytest.fixture(scope="module")
def told(outcome: Outcome) -> list[dict[str, str | None]]:
    """What the target printed."""
    pieces = (event for event in outcome.events() if isinstance(event, Output))
    text = b"".join(raw(piece.data) for piece in pieces if piece.stream == "stdout")
    assert text, outcome.stderr
    found: list[dict[str, str | None]] = json.loads(text)
    return found


def test_every_variable_names_a_store_that_is_there(told) -> None:
    variables, stores, _, _ = told
    assert variables == {name: trust.VARIABLES[name] for name in VARIABLES}
    assert {variables[name] for name in VARIABLES} <= stores.keys()


def test_each_store_alone_is_enough_to_trust_whoever_answers(told) -> None:
    _, stores, folder, _ = told
    assert {**stores, **folder} == dict.fromkeys((*stores, FOLDER))
    assert set(STORES) <= stores.keys()


def test_every_store_of_java_that_is_there_has_the_authority(told) -> None:
    *_, java = told
    here = {store for store in JAVA_STORES if Path(store).exists()}
    assert {store: java.get(store) for store in here} == dict.fromkeys(here)


def test_trusting_is_no_finding(outcome: Outcome) -> None:
    assert outcome.report.inconclusive == ()
    assert not [one for one in outcome.report.findings if one.detector == "tls_pinned"]
