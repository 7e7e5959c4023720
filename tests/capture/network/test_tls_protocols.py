"""What is spoken inside TLS is answered as it would be without."""

from __future__ import annotations

import pytest

from pytest_ato.model.octets import raw

pytestmark = pytest.mark.privileged


def test_a_websocket_is_opened_and_its_messages_are_recorded(tls_audit, only):
    out = tls_audit.python("""
        import socket, ssl
        context = ssl.create_default_context()
        raw = socket.create_connection(("ws.example", 443), 5)
        s = context.wrap_socket(raw, server_hostname="ws.example")
        s.sendall(b"GET /chat HTTP/1.1\\r\\nHost: ws.example\\r\\nUpgrade: websocket\\r\\n"
                  b"Connection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\n"
                  b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n")
        s.settimeout(20)
        head = s.recv(4096)
        print(head.split(b"\\r\\n")[0], b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head)
        mask = b"\\0\\0\\0\\0"
        s.sendall(b"\\x81\\x86" + mask + b"secret" + b"\\x89\\x82" + mask + b"hi")
        print(s.recv(4))
        s.sendall(b"\\x88\\x82" + mask + b"\\x03\\xe8")
        print(s.recv(4))
    """)
    assert out.splitlines() == [
        "b'HTTP/1.1 101 Switching Protocols' True",
        r"b'\x8a\x02hi'",
        r"b'\x88\x02\x03\xe8'",
    ]
    events = tls_audit.settle()
    assert b"secret" in only.plaintext(events, 1)
    assert not only.lost(events)


def test_a_mail_is_taken_where_the_server_speaks_first(tls_audit, only):
    tls_audit.python("""
        import smtplib, ssl
        mail = smtplib.SMTP_SSL("mail.example", 465, timeout=20,
                                context=ssl.create_default_context())
        mail.sendmail("a@one.example", ["b@two.example"], "Subject: s\\n\\nsecret body")
        mail.quit()
    """)
    events = tls_audit.settle()
    assert b"secret body" in only.plaintext(events, 1)


def test_a_question_over_tls_is_answered_and_recorded(tls_audit, only):
    out = tls_audit.python("""
        import socket, ssl
        context = ssl.create_default_context()
        raw = socket.create_connection(("9.9.9.9", 853), 5)
        s = context.wrap_socket(raw, server_hostname="dns.example")
        query = (b"\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00"
                 b"\\x06secret\\x07example\\x00\\x00\\x01\\x00\\x01")
        s.sendall(len(query).to_bytes(2) + query)
        s.settimeout(20)
        print(s.recv(512)[2:4])
    """)
    assert out.strip() == "b'\\x124'"
    events = tls_audit.settle()
    (question,) = [q for q in only.dns(events) if q.transport == "tcp"]
    assert raw(question.qname) == b"secret.example"


def test_a_service_is_played_by_its_name_and_by_its_address(tls_audit):
    done = tls_audit.run(
        *("curl", "-sS", "-m", "60", "-H", "Authorization: token x"),
        *("https://api.github.com/user", "http://169.254.169.254/latest/"),
    )
    assert '"login"' in done.stdout
    assert "meta-data" in done.stdout
    tls_audit.settle()
