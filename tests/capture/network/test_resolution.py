"""Names, as programs in the sandbox resolve them: any server, any transport, both families."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.privileged

ASK = """
import socket, struct
def query(name):
    labels = b"".join(bytes([len(x)]) + x for x in name.split(b"."))
    return b"\\x12\\x34\\x01\\0\\0\\1\\0\\0\\0\\0\\0\\0" + labels + b"\\0\\0\\1\\0\\1"
"""


def test_names_resolve_through_the_system_and_lead_to_a_server(audit, only):
    out = audit.python("""
        import socket
        for name in ("one.example", "two.example", "one.example"):
            s = socket.create_connection((name, 8080), 5)
            print(s.getpeername()[0])
            s.close()
        print(socket.gethostbyaddr("198.18.0.2")[0])
    """)
    assert out.split() == ["198.18.0.1", "198.18.0.2", "198.18.0.1", "two.example"]
    events = audit.settle()
    assert [e.address for e in only.ends(events)] == ["198.18.0.1", "198.18.0.2", "198.18.0.1"]
    first = next(e for e in only.dns(events) if e.qtype == "A")
    assert (first.qname, first.answers) == ("one.example", ("198.18.0.1",))
    assert (first.client, first.server) == ("192.168.50.23", "192.168.50.1")
    assert (first.transport, first.rcode) == ("udp", "NOERROR")
    assert any(e.qtype == "PTR" and e.answers == ("two.example.",) for e in only.dns(events))


@pytest.mark.parametrize(
    ("family", "server"), [("AF_INET", "203.0.113.53"), ("AF_INET6", "2001:db8::53")]
)
def test_a_foreign_server_answers_from_its_own_address(audit, only, family, server):
    out = audit.python(
        ASK
        + f"""
s = socket.socket(socket.{family}, socket.SOCK_DGRAM)
s.settimeout(5)
s.sendto(query(b"foreign.example"), ("{server}", 53))
data, peer = s.recvfrom(1000)
print(peer[0], peer[1], data[-4:].hex(), s.getsockname()[1])
"""
    )
    peer, port, answer, client_port = out.split()
    assert (peer, port, answer) == (server, "53", "c6120001")
    (event,) = only.dns(audit.settle())
    assert (event.server, event.client_port) == (server, int(client_port))


@pytest.mark.parametrize("server", ["203.0.113.53", "2001:db8::53"])
def test_dns_over_tcp_is_answered(audit, only, server):
    out = audit.python(
        ASK
        + f"""
s = socket.create_connection(("{server}", 53), 5)
q = query(b"tcp.example")
for _ in range(2):
    s.sendall(struct.pack("!H", len(q)) + q)
    size = struct.unpack("!H", s.recv(2))[0]
    print(s.recv(size)[-4:].hex())
"""
    )
    assert out.split() == ["c6120001", "c6120001"]
    events = audit.settle()
    assert [(e.transport, e.server, e.qname) for e in only.dns(events)] == [
        ("tcp", server, "tcp.example")
    ] * 2
    (end,) = only.ends(events)
    assert (end.address, end.port) == (server, 53)


def test_garbage_to_the_resolver_is_recorded_and_hurts_nobody(audit, only):
    audit.python("""
        import os, socket
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for size in (0, 1, 11, 12, 40, 512, 4000):
            s.sendto(b"\\x00\\x01" * (size // 2) + b"x" * (size % 2), ("203.0.113.53", 53))
        t = socket.create_connection(("203.0.113.53", 53), 5)
        t.sendall(b"\\x00\\x04junk" + b"\\xff\\xff" + os.urandom(100))
        print(socket.gethostbyname("after.example"))
    """)
    events = audit.settle()
    bad = [e for e in only.dns(events) if e.rcode == "FORMERR"]
    assert len([e for e in bad if e.transport == "udp"]) == 7
    assert len([e for e in bad if e.transport == "tcp"]) == 1
    assert sorted(e.size for e in only.datagrams(events)) == [0, 1, 11, 12, 40, 512, 4000]
    assert audit.gateway.alive()
    assert any(e.qname == "after.example" for e in only.dns(events))


def test_every_audit_begins_with_the_first_address(gateway, tmp_path, only, audit):
    audit.python("import socket; socket.gethostbyname('old.example')")
    audit.settle()
    audit.close()
    other = type(audit)(gateway, tmp_path)
    out = other.python("import socket; print(socket.gethostbyname('new.example'))")
    assert out.strip() == "198.18.0.1"
    events = other.settle()
    other.close()
    assert {e.qname for e in only.dns(events)} == {"new.example"}
