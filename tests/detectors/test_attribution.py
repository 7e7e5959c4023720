"""Whose flows the wire saw: sockets of the audit, duties of the kernel, and what is left."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ato.detectors import attribution as attribution_module
from pytest_ato.detectors.attribution import Attribution, Sum
from pytest_ato.model import events as ev

PEER = "203.0.113.9"


def flow(protocol: str = "tcp", **fields: Any) -> ev.Flow:
    known = {"client": "192.0.2.2", "address": PEER, "packets": 2, "bytes": 120}
    return ev.Flow(ts=1, **{"protocol": protocol, **known, **fields})


def state(new: str, local_port: int, port: int = 80, cookie: int = 7) -> ev.SocketState:
    return ev.SocketState(
        ts=1,
        pid=1,
        cookie=cookie,
        old="CLOSE",
        new=new,
        local="192.0.2.2",
        local_port=local_port,
        address=PEER,
        port=port,
    )


def owner(*events: ev.Event) -> str:
    """Whose the one flow among `events` is."""
    attribution = Attribution()
    for event in events:
        attribution.update(event)
    return next(owner for owner, total in attribution.sums().items() if total.flows)


CONNECTION = flow(client_port=40_001, port=80)


@pytest.mark.parametrize(
    ("socket", "whose"),
    [
        (state("ESTABLISHED", 40_001), "sockets"),
        (state("SYN_SENT", 0), "sockets"),  # its own port is not known yet
        (state("SYN_SENT", 0, port=81), "nobody"),
        (state("ESTABLISHED", 40_002), "nobody"),
        (state("LISTEN", 40_001), "sockets"),
    ],
    ids=["connection", "connecting", "other destination", "other port", "server"],
)
def test_tcp_belongs_to_the_socket_with_its_numbers(socket: ev.SocketState, whose: str) -> None:
    assert owner(socket, CONNECTION) == whose
    assert owner(CONNECTION, socket) == whose  # in any order


def test_a_later_fragment_belongs_to_whoever_speaks_with_its_peer() -> None:
    assert owner(flow(), state("ESTABLISHED", 40_001)) == "sockets"
    assert owner(flow(address="203.0.113.10"), state("ESTABLISHED", 40_001)) == "nobody"


@pytest.mark.parametrize("address", [PEER, f"::ffff:{PEER}"])
def test_all_else_belongs_to_who_named_its_destination(address: str) -> None:
    send = ev.Send(
        ts=1, pid=1, source="kernel", family="inet6", address=address, port=53, protocol="udp"
    )
    assert owner(send, flow("udp", client_port=5000, port=53)) == "sockets"
    assert owner(send, flow("udp")) == "sockets"  # a later fragment has no ports
    assert owner(send, flow("udp", client_port=5000, port=54)) == "nobody"


@pytest.mark.parametrize(
    ("seen", "whose"),
    [
        (flow("icmp", icmp=3 << 8), "kernel"),  # port unreachable
        (flow("icmp", icmp=8 << 8), "nobody"),  # an echo request
        (flow("icmp6", icmp=135 << 8), "kernel"),  # neighbour solicitation
        (flow("ip-2"), "kernel"),  # IGMP
        (flow("ip-47"), "nobody"),
        (flow(client_port=1, port=2, flags=0x04), "kernel"),
        (flow(client_port=1, port=2, flags=0x14), "kernel"),
        (flow(client_port=1, port=2, flags=0x14, bytes=2 * 80 + 1), "nobody"),  # carries data
        (flow(client_port=1, port=2, flags=0x12), "nobody"),
    ],
    ids=["error", "ping", "neighbour", "igmp", "gre", "reset", "refusal", "reset with data", "syn"],
)
def test_duties_of_the_kernel_need_no_socket(seen: ev.Flow, whose: str) -> None:
    assert owner(seen) == whose


def test_sums_are_over_flows_packets_and_bytes() -> None:
    attribution = Attribution()
    for port in (1, 2):
        attribution.update(flow(client_port=9, port=port))
    assert attribution.sums()["nobody"] == Sum(flows=2, packets=4, bytes=240)
    assert [each.port for each in attribution.nobodys()] == [1, 2]


def test_with_too_many_sockets_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attribution_module, "MAX_KNOWN", 2)
    attribution = Attribution()
    for port in (1, 1, 2):
        assert attribution.is_whole()
        attribution.update(state("ESTABLISHED", port))
    assert not attribution.is_whole()
