"""Which addresses are asked for."""

from __future__ import annotations

import pytest

from pytest_ato.enrich import public
from pytest_ato.enrich.public import PublicAddresses
from pytest_ato.model.addresses import is_public
from pytest_ato.model.events import Connect, Datagram, Send, Tcp


@pytest.mark.parametrize("address", ["8.8.8.8", "203.0.113.9", "2001:db8::9", "172.32.0.1"])
def test_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "127.0.0.1", "169.254.169.254", "172.31.255.255", "192.168.50.1"),
        *("100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0", "::", "::1"),
        *("fe80::1", "fd00::1", "ff02::1", "/run/socket", "", "evil.example"),
    ],
)
def test_not_public(address):
    assert not is_public(address)


def test_each_kind_of_event_that_names_a_destination_counts_once():
    found = PublicAddresses()
    connect = {"ts": 1, "pid": 1, "source": "kernel", "family": "inet", "port": 1}
    found.take(Connect(**connect, address="203.0.113.1"))
    found.take(Connect(**connect, address="203.0.113.1"))
    found.take(Connect(**{**connect, "family": "unix"}, address="203.0.113.8"))
    found.take(Send(**connect, address="203.0.113.2"))
    wire = {"ts": 1, "client": "192.168.50.23", "client_port": 9, "port": 1}
    found.take(Tcp(**wire, connection=1, address="203.0.113.3", direction="out"))
    found.take(Datagram(**wire, protocol="udp", address="203.0.113.4"))
    assert found.found == ("203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4")


def test_they_are_bounded_and_the_rest_is_counted(monkeypatch):
    monkeypatch.setattr(public, "MAX_ADDRESSES", 2)
    found = PublicAddresses()
    for last in range(5):
        wire = {"client": "192.168.50.23", "protocol": "icmp"}
        found.take(Datagram(ts=1, address=f"203.0.113.{last}", **wire))
    assert len(found.found) == 2
    assert found.more == 3
