"""TCP connections of a target: every address and port answers, and what was said is recorded."""

from __future__ import annotations

import pytest

from pytest_ato.capture.sinkhole import limits
from pytest_ato.model.events import Tcp

pytestmark = pytest.mark.privileged


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("203.0.113.7", 4444),
        ("198.51.100.1", 1),
        ("192.168.50.1", 65535),
        ("192.168.50.77", 445),
        ("2001:db8::7", 4444),
        ("fd3c:5a1e:7d20:32::99", 22000),
    ],
)
def test_any_address_and_port_takes_bytes(audit, only, address, port):
    audit.python(f"""
        import socket
        s = socket.create_connection(("{address}", {port}), 5)
        s.sendall(b"\\xffraw bytes")
        s.close()
    """)
    events = audit.settle()
    (end,) = only.ends(events)
    assert (end.address, end.port, end.connection) == (address, port, 1)
    assert end.client in audit.network.addresses
    assert (end.sent, end.received) == (10, 0)
    assert only.stream(events, 1) == b"\xffraw bytes"
    assert not only.lost(events)


def test_curl_keeps_its_connection_and_posts_in_chunks(audit, only):
    done = audit.run(
        *("curl", "-sS", "-w", "%{http_code} %{num_connects}\n", "-o", "/dev/null"),
        *("http://web.example/a", "-o", "/dev/null", "http://web.example/b"),
        *("--next", "-sS", "-H", "Transfer-Encoding: chunked", "-H", "Accept: application/json"),
        *("-d", "secret=1", "http://web.example/post"),
    )
    assert done.stdout == '200 1\n200 0\n{"status":"ok"}\n'
    events = audit.settle()
    (end,) = only.ends(events)
    sent = only.stream(events, end.connection)
    assert b"secret=1" in sent
    assert b"POST /post HTTP/1.1\r\nHost: web.example\r\n" in sent
    assert len(sent) == end.sent
    assert len(only.stream(events, end.connection, "in")) == end.received


def test_curl_sends_a_large_body_after_100_continue(audit, only):
    audit.run("sh", "-c", "head -c 2000000 /dev/zero | curl -sS -fo /dev/null -T - web.example/up")
    events = audit.settle()
    (end,) = only.ends(events)
    assert end.sent > 2_000_000
    assert len(only.stream(events, 1)) == limits.TCP_OUT


def test_wget_and_git_end_well(audit):
    audit.run("wget", "-q", "-O", "/dev/null", "http://files.example/")
    done = audit.run("git", "ls-remote", "http://code.example/x.git")
    assert done.stdout == ""
    audit.settle()


def test_a_tls_client_is_told_no_and_its_hello_recorded(audit, only):
    audit.run(
        *("curl", "-sS", "--max-time", "5", "https://tls.example/"), status=35
    )  # CURLE_SSL_CONNECT_ERROR
    events = audit.settle()
    (end,) = only.ends(events)
    assert only.stream(events, end.connection).startswith(b"\x16\x03")
    assert b"tls.example" in only.stream(events, end.connection)
    assert only.stream(events, end.connection, "in") == b"\x15\x03\x03\x00\x02\x02\x28"


def test_a_server_that_speaks_first_greets_a_silent_client(audit, only):
    out = audit.python("""
        import smtplib, socket
        print(socket.create_connection(("203.0.113.1", 22), 5).recv(100)[:8])
        mail = smtplib.SMTP("mail.example", 25, timeout=5)
        mail.sendmail("a@one.example", ["b@two.example"], "Subject: s\\n\\nsecret body")
        mail.quit()
    """)
    assert out.strip() == "b'SSH-2.0-'"
    events = audit.settle()
    mail = next(e for e in only.ends(events) if e.port == 25)
    assert b"secret body" in only.stream(events, mail.connection)


def test_a_client_that_waits_for_an_answer_is_let_go(audit, only):
    out = audit.python("""
        import socket, time
        s = socket.create_connection(("203.0.113.1", 4444), 5)
        s.settimeout(20)
        s.sendall(b"hello?")
        print(s.recv(10))
        s.sendall(b"still here")
    """)
    assert out.strip() == "b''"
    events = audit.settle()
    assert only.stream(events, 1) == b"hello?still here"


def test_a_killed_client_leaves_a_closing_record(audit, only):
    audit.run(
        *("python3", "-c"),
        "import os,socket; s=socket.create_connection(('203.0.113.1',80)); s.send(b'half');"
        "os.kill(os.getpid(), 9)",
        status=-9,
    )
    events = audit.settle()
    (end,) = only.ends(events)
    assert end.sent == 4
    assert not only.lost(events)


def test_a_client_that_never_reads_is_recorded_to_its_last_byte(audit, only):
    audit.python("""
        import fcntl, socket, struct, termios, time
        s = socket.create_connection(("203.0.113.1", 80), 5)
        request = b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
        s.sendall(request * 25_000)
        s.sendall(b"the secret")
        while struct.unpack("i", fcntl.ioctl(s, termios.TIOCOUTQ, bytes(4)))[0]:
            time.sleep(0.01)  # until it has left; then a reset, for the answers nobody read
    """)
    events = audit.settle()
    (end,) = only.ends(events)
    assert end.sent == 25_000 * 27 + 10
    assert only.stream(events, 1).endswith(b"the secret")
    assert end.received < 10_000_000


def test_connections_over_the_bound_are_reported(audit, only):
    over = 40
    audit.python(f"""
        import resource, select, socket, time
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
        kept = []
        for _ in range({limits.CONNECTIONS + over}):
            try:
                kept.append(socket.create_connection(("203.0.113.1", 9), 60))
            except OSError:
                pass
        ends = select.poll()  # until all those over the bound were closed
        for each in kept:
            ends.register(each, select.POLLIN)
        left, patience = {over}, time.monotonic() + 60
        while left > 0 and time.monotonic() < patience:
            for closed, _ in ends.poll(1000):
                ends.unregister(closed)
                left -= 1
    """)
    events = audit.settle()
    assert len(only.ends(events)) == limits.CONNECTIONS
    (loss,) = only.lost(events)
    assert loss.count == audit.gateway.lost() == over
    assert "connections beyond 1024 open at a time" in loss.reason


def test_many_short_connections_are_all_recorded(audit, only):
    audit.python("""
        import socket
        for i in range(500):
            s = socket.create_connection(("203.0.113.1", 10000 + i), 5)
            s.sendall(b"%d" % i)
            s.close()
    """)
    events = audit.settle()
    assert {e.port for e in only.ends(events)} == set(range(10000, 10500))
    assert sorted(e.connection for e in only.ends(events)) == list(range(1, 501))
    whole = {e.connection: only.stream(events, e.connection) for e in only.ends(events)}
    assert all(whole[e.connection] == b"%d" % (e.port - 10000) for e in only.ends(events))


def test_garbage_to_every_protocol_hurts_nobody(audit, only):
    audit.python("""
        import os, random, socket
        heads = [b"", b"GET ", b"POST / HTTP/1.1\\r\\n", b"\\x16\\x03", b"EHLO ", b"\\x00\\x10"]
        for port in (21, 22, 25, 53, 80, 110, 143, 443, 9999):
            for head in heads:
                s = socket.create_connection(("203.0.113.1", port), 5)
                try:
                    s.sendall(head + os.urandom(random.randrange(3000)) + b"\\r\\n" * 3)
                except OSError:
                    pass
                s.close()
    """)
    events = audit.settle()
    assert len(only.ends(events)) == 54
    assert not only.lost(events)
    assert audit.gateway.alive()
    assert all(isinstance(e, Tcp) or e in only.dns(events) for e in events)


def test_a_flood_of_requests_that_nobody_reads_is_recorded_all_the_same(audit, only):
    audit.python("""
        import socket, time
        socks = [socket.create_connection(("203.0.113.1", 80), 5) for _ in range(100)]
        request = b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" * 4000
        for s in socks:
            s.setblocking(False)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            for s in socks:
                try:
                    s.send(request)
                except OSError:
                    pass
    """)
    events = audit.settle()
    assert len(only.ends(events)) == 100
    assert audit.gateway.alive()
    # What is over the allowance of all connections together is said, and nothing else was lost.
    assert all("bytes of TCP connections beyond" in loss.reason for loss in only.lost(events))
