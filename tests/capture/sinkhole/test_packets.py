"""The packet reader: all that leaves the target is read, chatter is not, no bytes can hurt."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture.sinkhole.packets import Packet, PacketReader

CLIENT4, SERVER4 = "192.0.2.10", "203.0.113.9"
CLIENT6, SERVER6 = "2001:db8::10", "2001:db8::9"


def udp(payload: bytes, client_port: int = 40000, port: int = 9999) -> bytes:
    return struct.pack("!HHHH", client_port, port, 8 + len(payload), 0) + payload


def echo(payload: bytes, kind: int = 8) -> bytes:
    return struct.pack("!BBHHH", kind, 0, 0, 1, 1) + payload


def ipv4(
    protocol: int,
    body: bytes,
    *,
    ident: int = 1,
    offset: int = 0,
    more: bool = False,
    options: bytes = b"",
    destination: str = SERVER4,
    padding: bytes = b"",
) -> bytes:
    header = 20 + len(options)
    where = (0x2000 if more else 0) | offset // 8
    head = struct.pack(
        "!BBHHHBBH", 0x40 | header // 4, 0, header + len(body), ident, where, 64, protocol, 0
    )
    addresses = ip_address(CLIENT4).packed + ip_address(destination).packed
    return bytes(12) + b"\x08\x00" + head + addresses + options + body + padding


def ipv6(protocol: int, body: bytes, *, destination: str = SERVER6) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(body), protocol, 64)
    addresses = ip_address(CLIENT6).packed + ip_address(destination).packed
    return bytes(12) + b"\x86\xdd" + head + addresses + body


def fragment6(protocol: int, body: bytes, *, offset: int, more: bool, ident: int = 7) -> bytes:
    return struct.pack("!BBHI", protocol, 0, offset | more, ident) + body


def read(*wire: bytes) -> list[Packet]:
    reader = PacketReader()
    return [packet for frame in wire for packet in reader.read(frame)]


def test_a_udp_packet_is_read_to_its_payload():
    assert read(ipv4(17, udp(b"hello"))) == [
        Packet("udp", CLIENT4, SERVER4, 5, b"hello", 40000, 9999)
    ]
    assert read(ipv6(17, udp(b"hello"))) == [
        Packet("udp", CLIENT6, SERVER6, 5, b"hello", 40000, 9999)
    ]


def test_options_extensions_and_padding_are_stepped_over():
    want = [Packet("udp", CLIENT4, SERVER4, 2, b"hi", 40000, 9999)]
    body = udp(b"hi")
    assert read(ipv4(17, body, options=b"\x94\x04\x00\x00" * 3)) == want
    assert read(ipv4(17, body, padding=bytes(18))) == want
    hop = bytes([60, 0]) + bytes(6)
    options = bytes([51, 1]) + bytes(14)
    authentication = bytes([17, 1]) + bytes(10)
    (packet,) = read(ipv6(0, hop + options + authentication + body))
    assert (packet.protocol, packet.data, packet.port) == ("udp", b"hi", 9999)


def test_pings_of_both_kinds_are_read():
    assert read(ipv4(1, echo(b"data"))) == [Packet("icmp", CLIENT4, SERVER4, 4, b"data")]
    assert read(ipv6(58, echo(b"data", 128))) == [Packet("icmp6", CLIENT6, SERVER6, 4, b"data")]


def test_other_protocols_keep_their_number_and_whole_body():
    assert read(ipv4(47, b"gre")) == [Packet("ip-47", CLIENT4, SERVER4, 3, b"gre")]
    body = struct.pack("!HH", 1000, 2000) + b"sctp"
    assert read(ipv4(132, body)) == [Packet("ip-132", CLIENT4, SERVER4, 8, body, 1000, 2000)]


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 130, 131, 132, 133, 134, 135, 136, 137, 143])
def test_what_a_kernel_says_by_itself_over_icmp6_is_left_out(kind):
    assert read(ipv6(58, echo(b"", kind))) == []


def test_other_chatter_and_what_has_its_own_socket_is_left_out():
    assert read(ipv4(1, echo(b"", 3))) == []
    assert read(ipv4(2, b"igmp")) == []
    assert read(ipv4(6, bytes(20))) == []
    assert read(ipv4(17, udp(b"query", port=53))) == []
    assert read(bytes(12) + b"\x08\x06" + bytes(28)) == []  # ARP


def test_dns_to_a_group_is_read_because_no_socket_gets_it():
    (packet,) = read(ipv4(17, udp(b"q", port=53), destination="224.0.0.251"))
    assert packet.port == 53


def test_fragments_are_put_together():
    payload = bytes(range(256)) * 12
    body = udp(payload)
    cuts = [body[:1480], body[1480:2960], body[2960:]]
    wire = [ipv4(17, part, offset=1480 * i, more=i < 2, ident=5) for i, part in enumerate(cuts)]
    assert read(*wire) == [Packet("udp", CLIENT4, SERVER4, len(payload), payload, 40000, 9999)]


def test_fragments_are_put_together_over_ipv6():
    payload = b"x" * 2000
    body = udp(payload)
    wire = [
        ipv6(44, fragment6(17, body[:1232], offset=0, more=True)),
        ipv6(44, fragment6(17, body[1232:], offset=1232, more=False)),
    ]
    (packet,) = read(*wire)
    assert (packet.size, packet.data, packet.port) == (2000, payload, 9999)


def test_a_fragmented_question_of_dns_is_left_out_whole():
    body = udp(bytes(2000), port=53)
    wire = [
        ipv4(17, body[:1480], more=True, ident=9),
        ipv4(17, body[1480:], offset=1480, ident=9),
    ]
    assert read(*wire) == []


def test_an_unfinished_datagram_comes_at_the_end():
    reader = PacketReader()
    assert reader.read(ipv4(17, udp(b"part"), more=True)) == []
    (packet,) = reader.finish()
    assert packet.data == b"part"
    assert reader.finish() == []


def test_a_packet_cut_short_is_still_recorded():
    (packet,) = read(ipv4(17, b"\x01"))
    assert (packet.protocol, packet.size) == ("udp", 0)


@given(st.lists(st.binary(max_size=120), max_size=8))
def test_any_bytes_are_taken(wire):
    reader = PacketReader()
    for frame in wire:
        reader.read(frame)
    reader.finish()


@given(st.sampled_from([b"\x08\x00\x45", b"\x86\xdd\x60"]), st.binary(max_size=200))
def test_any_ip_packet_is_taken_and_never_more_than_it_brought(start, rest):
    reader = PacketReader()
    packets = reader.read(bytes(12) + start + rest) + reader.finish()
    assert sum(packet.size for packet in packets) <= len(rest)
    assert all(packet.size == len(packet.data) for packet in packets)
