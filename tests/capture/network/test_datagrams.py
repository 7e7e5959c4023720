"""What a target sends that is neither TCP nor DNS: recorded whole, answered only when a ping."""

from __future__ import annotations

import pytest

from pytest_ato.model.octets import raw

pytestmark = pytest.mark.privileged


@pytest.mark.parametrize(
    ("family", "address"),
    [("AF_INET", "203.0.113.9"), ("AF_INET", "192.168.50.99"), ("AF_INET6", "2001:db8::9")],
)
def test_udp_to_any_port_is_recorded(audit, only, family, address):
    audit.python(f"""
        import socket
        s = socket.socket(socket.{family}, socket.SOCK_DGRAM)
        s.bind(("", 5555))
        for port in (1, 123, 5353, 65535):
            s.sendto(b"to %d" % port, ("{address}", port))
    """)
    events = audit.settle()
    got = [(e.protocol, e.address, e.client_port, e.port, e.data) for e in only.datagrams(events)]
    assert got == [("udp", address, 5555, port, f"to {port}") for port in (1, 123, 5353, 65535)]
    assert {e.client for e in only.datagrams(events)} <= set(audit.network.addresses)


@pytest.mark.parametrize(
    ("family", "address"), [("AF_INET", "203.0.113.9"), ("AF_INET6", "2001:db8::9")]
)
def test_a_datagram_in_fragments_is_recorded_whole(audit, only, family, address):
    audit.python(f"""
        import socket
        s = socket.socket(socket.{family}, socket.SOCK_DGRAM)
        if s.family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, 24, 1280)  # IPV6_MTU
        s.sendto(bytes(range(256)) * 200, ("{address}", 7777))
    """)
    (event,) = only.datagrams(audit.settle())
    assert (event.size, event.port) == (51200, 7777)
    assert raw(event.data) == bytes(range(256)) * 200


def test_broadcast_and_multicast_are_recorded(audit, only):
    audit.python("""
        import socket
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for address in ("255.255.255.255", "192.168.50.255", "239.255.255.250"):
            s.sendto(b"anyone?", (address, 1900))
        six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        six.sendto(b"anyone?", ("ff02::fb", 5353, 0, socket.if_nametoindex("eth0")))
    """)
    assert [e.address for e in only.datagrams(audit.settle())] == [
        "255.255.255.255",
        "192.168.50.255",
        "239.255.255.250",
        "ff02::fb",
    ]


PING = """
    import os, socket, struct
    os.setgroups([]); os.setgid(60001); os.setuid(60001)
    s = socket.socket(socket.{family}, socket.SOCK_DGRAM, socket.{protocol})
    s.settimeout(5)
    s.sendto(struct.pack("!BBHHH", {kind}, 0, 0, 0, 1) + b"ping data", ("{address}", 0))
    print(s.recvfrom(100)[1][0])
"""


@pytest.mark.parametrize(
    ("family", "protocol", "kind", "address", "name"),
    [
        ("AF_INET", "IPPROTO_ICMP", 8, "203.0.113.9", "icmp"),
        ("AF_INET6", "IPPROTO_ICMPV6", 128, "2001:db8::9", "icmp6"),
    ],
)
def test_a_ping_of_any_user_is_answered_and_recorded(
    audit, only, family, protocol, kind, address, name
):
    ping = PING.format(family=family, protocol=protocol, kind=kind, address=address)
    assert audit.python(ping).strip() == address
    (event,) = only.datagrams(audit.settle())
    assert (event.protocol, event.address, event.data) == (name, address, "ping data")


def test_other_protocols_are_recorded_by_number(audit, only):
    audit.python("""
        import socket
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 47)
        s.sendto(b"tunnel", ("203.0.113.9", 0))
        lite = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136)
        lite.sendto(b"lite", ("203.0.113.9", 99))
    """)
    tunnel, lite = only.datagrams(audit.settle())
    assert (tunnel.protocol, tunnel.data) == ("ip-47", "tunnel")
    assert (lite.protocol, lite.port) == ("ip-136", 99)


def test_a_quiet_target_leaves_no_event(audit):
    audit.python("import time; time.sleep(0.2)")
    assert audit.settle() == []


def test_a_flood_is_recorded_or_reported_to_the_last_packet(audit, only):
    sent = 30_000
    audit.python(f"""
        import socket
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for i in range({sent}):
            s.sendto(b"%d" % i, ("203.0.113.9", 9))
    """)
    events = audit.settle()
    assert len(only.datagrams(events)) + audit.gateway.lost() == sent
    assert sum(e.count for e in only.lost(events)) == audit.gateway.lost()
