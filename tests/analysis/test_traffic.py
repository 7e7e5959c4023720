"""Connections and bytes, by destination."""

from __future__ import annotations

from pytest_ato.analysis import traffic as module
from pytest_ato.analysis.traffic import Traffic
from pytest_ato.model.events import Datagram, Tcp


def piece(ts: int, connection: int = 1, direction: str = "out", **more: object) -> Tcp:
    return Tcp(
        ts=ts,
        connection=connection,
        client="10.0.0.2",
        client_port=4000,
        address="192.0.2.9",
        port=443,
        direction=direction,
        **more,
    )


def test_a_connection_counts_once_and_its_end_has_the_last_word() -> None:
    traffic = Traffic()
    traffic.tcp(piece(1, data="abc"), True)
    traffic.tcp(piece(2, offset=3, data="de"), True)
    traffic.tcp(piece(3, direction="in", data="xyz"), True)
    assert (traffic.bytes_out, traffic.bytes_in) == (5, 3)
    traffic.tcp(piece(4, closed=True, sent=500, received=30), True)
    (peer,) = traffic.peers
    assert (peer.connections, peer.bytes_out, peer.bytes_in) == (1, 500, 30)
    assert (peer.first, peer.last) == (1, 4)
    assert (traffic.bytes_out, traffic.bytes_in) == (500, 30)


def test_connections_that_nobody_answered_count_as_tried() -> None:
    traffic = Traffic()
    key = ("192.0.2.9", 443, "tcp")
    traffic.named(key, 1, 7, 1)
    traffic.named(key, 2, 8, 1)
    (peer,) = traffic.peers
    assert (peer.connections, peer.bytes_out, peer.node) == (2, 0, 7)
    traffic.tcp(piece(3, closed=True, sent=1), True)
    assert peer.connections == 2


def test_packets_are_counted_by_protocol() -> None:
    traffic = Traffic()
    for protocol in ("udp", "udp", "icmp"):
        packet = Datagram(ts=1, protocol=protocol, client="c", address="192.0.2.9", size=10)
        traffic.datagram(packet, True)
    assert [(peer.protocol, peer.connections, peer.bytes_out) for peer in traffic.peers] == [
        ("udp", 2, 20),
        ("icmp", 1, 10),
    ]


def test_what_stays_inside_has_bytes_and_no_destination() -> None:
    traffic = Traffic()
    traffic.tcp(piece(1, closed=True, sent=9), False)
    assert traffic.peers == ()
    assert traffic.bytes_out == 9


def test_memory_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(module, "KEPT", 1)
    monkeypatch.setattr(module, "OPEN_CONNECTIONS", 1)
    traffic = Traffic()
    for number in range(5):
        traffic.tcp(piece(number, connection=number, data="a"), True)
        traffic.named((f"192.0.2.{number}", 1, "tcp"), 1, 0, 1)
    assert len(traffic.peers) == 1
    assert traffic.bytes_out == 1
    traffic.tcp(piece(9, connection=4, closed=True, sent=1), True)
    assert traffic.bytes_out == 2
