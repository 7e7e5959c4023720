"""tls_pinned: a refusal of the session's certificate, with who and for which name."""

from __future__ import annotations

from pytest_ato.detectors.tls_pinned import TlsPinned
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity

DROP = "203.0.113.9"


def test_a_client_that_refuses_the_certificate(log, detect):
    tool = log.spawn(log.root, "/opt/vendor/uploader")
    log.dns("pinned.vendor.example", DROP, pid=tool)
    for _ in range(2):
        log.tls(tool, DROP, 443, via=(), handshake="refused", name="pinned.vendor.example")
    [finding] = detect(TlsPinned, log)
    assert finding.severity is Severity.MEDIUM
    assert finding.key == "tls_pinned:pinned.vendor.example:443"
    assert finding.count == 2
    assert "app → uploader refused the session's certificate" in finding.title
    assert "pinned.vendor.example" in str(finding.evidence[0].text)
    assert finding.lineage[-1].path == "/opt/vendor/uploader"


def test_a_server_that_is_down_and_a_broken_handshake_are_silent(log, detect):
    log.connect(log.root, DROP, 443, result=-111)
    log.tls(log.root, DROP, 443, via=(), handshake="failed")
    log.tls(log.root, DROP, 443, b"GET / HTTP/1.1\r\n\r\n", handshake="intercepted")
    assert detect(TlsPinned, log) == ()


def test_a_name_with_control_characters_is_shown_inert(log, detect):
    log.add(
        ev.Handshake,
        connection=7,
        client="192.0.2.2",
        client_port=1,
        address=DROP,
        port=443,
        outcome="refused",
        sni="a\x1b[2J\u202e.example",
        reason="bad\ncertificate",
    )
    [finding] = detect(TlsPinned, log)
    assert finding.title.isprintable()
    assert all(str(one.text).isprintable() for one in finding.evidence)
