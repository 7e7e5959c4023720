"""One proxy a session: it starts when it is needed, serves all audits, and keeps its key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography import x509

from pytest_ato.model.events import Tls
from pytest_ato.model.octets import raw

pytestmark = pytest.mark.privileged

CURL = ("curl", "-sS", "-o", "/dev/null", "--max-time", "60")


def told(events, name: str) -> set[int]:
    """Streams on which a client spoke of a name."""
    wanted = name.encode()
    return {e.stream for e in events if isinstance(e, Tls) and wanted in raw(e.data)}


def test_the_first_connection_waits_for_the_proxy_and_all_audits_share_it(
    tls_gateway, tls_audit, only
):
    assert tls_gateway._proxy is None  # an audit without TLS does not pay for it
    tls_audit.run(*CURL, "--http1.1", "https://one.example/first")
    process = tls_gateway._proxy._process.pid
    events = tls_audit.settle()
    (hello,) = only.handshakes(events)
    assert hello.outcome == "intercepted"
    assert len(told(events, "one.example")) == 1

    second = tls_audit.again()
    second.run(*CURL, "--http1.1", "https://two.example/second")
    events = second.settle()
    assert tls_gateway._proxy._process.pid == process
    assert [hello.sni for hello in only.handshakes(events)] == ["two.example"]
    assert told(events, "two.example")
    assert not told(events, "one.example")
    assert not only.lost(events)
    second.close()


def test_the_key_is_in_the_proxy_s_memory_alone(tls_gateway, tls_audit, only):
    tls_audit.run(*CURL, "https://key.example/")
    tls_audit.settle()
    words = tls_gateway.authority.key.split(b"\n")[1]  # of its base64, what is never alike
    processes = only.below(tls_gateway._proxy._process.pid)
    assert len(processes) > 1
    for pid in processes:
        place = Path(f"/proc/{pid}")
        for name in ("cmdline", "environ"):
            assert words not in (place / name).read_bytes()
        for link in (place / "fd").iterdir():
            if link.is_file():
                assert words not in link.read_bytes()
    assert os.geteuid() not in {Path(f"/proc/{pid}").stat().st_uid for pid in processes[-1:]}


def test_the_proxy_goes_with_its_session_and_its_authority_is_no_other_s(tls_gateway, tls_audit):
    tls_audit.run(*CURL, "https://last.example/")
    tls_audit.settle()
    process = tls_gateway._proxy._process.pid
    tls_gateway.close()
    assert not Path(f"/proc/{process}").exists()
    subject = x509.load_pem_x509_certificate(tls_gateway.authority.certificate).subject
    stores = (path for path in Path("/etc/ssl/certs").iterdir() if path.is_file())
    common = subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value.encode()
    assert not any(common in path.read_bytes() for path in stores)  # of the host: untouched
