"""TLS clients of a target: the proxy ends TLS, and what they said is recorded in plaintext."""

from __future__ import annotations

import pytest

from pytest_ato.capture.sinkhole import limits
from pytest_ato.model.events import Tls

pytestmark = pytest.mark.privileged

CURL = ("curl", "-sS", "--max-time", "60")


def test_curl_speaks_http2_and_reads_an_answer(tls_audit, only):
    done = tls_audit.run(*CURL, "-w", "%{http_version}", "https://api.example/a?key=secret")
    assert done.stdout.endswith("</html>\n2")
    events = tls_audit.settle()
    (hello,) = only.handshakes(events)
    assert (hello.outcome, hello.sni, hello.version) == ("intercepted", "api.example", "TLSv1.3")
    assert hello.alpn == ("h2", "http/1.1")
    (end,) = only.ends(events)
    assert (hello.connection, hello.port) == (end.connection, 443)
    assert only.plaintext(events, hello.connection).startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert b"It works." in only.plaintext(events, hello.connection, "in")
    assert end.sent > only.plaintext_size(events, hello.connection)
    (closed,) = [e for e in events if isinstance(e, Tls) and e.closed]
    assert (closed.client, closed.client_port) == (end.client, end.client_port)
    assert not only.lost(events)


def test_several_requests_share_one_connection_in_either_version(tls_audit, only):
    for version in ("--http1.1", "--http2"):
        urls = [f"https://many.example/{n}" for n in range(12)]
        outputs = [word for url in urls for word in ("-o", "/dev/null", url)]
        done = tls_audit.run(*CURL, version, "-w", "%{http_code} %{num_connects}\n", *outputs)
        assert done.stdout == "200 1\n" + "200 0\n" * 11
    events = tls_audit.settle()
    assert len(only.ends(events)) == 2
    assert b"GET /11 HTTP/1.1\r\nHost: many.example\r\n" in only.plaintext(events, 1)


def test_tls_is_found_on_any_port_and_raw_bytes_inside_are_taken(tls_audit, only):
    out = tls_audit.python("""
        import socket, ssl
        context = ssl.create_default_context()
        raw = socket.create_connection(("203.0.113.7", 4444), 5)
        s = context.wrap_socket(raw, server_hostname="raw.example")
        s.sendall(b"\\x00\\xffno protocol that anyone knows")
        s.settimeout(20)
        print(s.recv(10))
    """)
    assert out.strip() == "b''"
    events = tls_audit.settle()
    (hello,) = only.handshakes(events)
    assert (hello.address, hello.port, hello.outcome) == ("203.0.113.7", 4444, "intercepted")
    assert only.plaintext(events, 1) == b"\x00\xffno protocol that anyone knows"


def test_a_client_that_does_not_trust_the_authority_is_told_of(tls_audit, only):
    tls_audit.env = {}
    tls_audit.run(*CURL, "https://pinned.example/", status=60)
    events = tls_audit.settle()
    (hello,) = only.handshakes(events)
    assert (hello.outcome, hello.sni) == ("refused", "pinned.example")
    assert "unknown ca" in hello.reason
    assert not [e for e in events if isinstance(e, Tls)]
    assert not only.lost(events)


def test_a_large_upload_is_counted_and_kept_up_to_the_bound(tls_audit, only):
    size = limits.TLS_OUT + (1 << 20)
    tls_audit.run(
        *("sh", "-c", f"head -c {size} /dev/zero | {' '.join(CURL)} -T - https://up.example/x"),
        timeout=60,
    )
    events = tls_audit.settle()
    assert len(only.plaintext(events, 1)) == limits.TLS_OUT
    assert only.plaintext_size(events, 1) > size
    assert not only.lost(events)
