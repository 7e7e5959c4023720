"""unattributed_flow: packets of no socket, told from those of sockets and the kernel's own."""

from __future__ import annotations

import pytest

from pytest_ato.detectors.attribution import Attribution
from pytest_ato.detectors.unattributed_flow import UnattributedFlow
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity

CLIENT, PEER = "192.0.2.10", "203.0.113.9"
RST, RST_ACK, SYN = 0x04, 0x14, 0x02


@pytest.fixture
def found(log, detect):
    """Findings once the audit has ended, with so many events lost."""

    def end(lost=0):
        log.add(ev.End, ended="exit", counters={"critical": ev.Counters(produced=9, lost=lost)})
        return detect(UnattributedFlow, log)

    return end


def flow(log, protocol="tcp", client_port=40000, port=4444, **fields):
    values = {"client": CLIENT, "address": PEER, "packets": 2, "bytes": 120, **fields}
    log.add(ev.Flow, protocol=protocol, client_port=client_port, port=port, **values)


def state(log, new, local_port, cookie=7, port=4444):
    log.add(
        ev.SocketState,
        pid=log.root,
        tid=log.root,
        cookie=cookie,
        old="CLOSE",
        new=new,
        local=CLIENT,
        local_port=local_port,
        address=PEER,
        port=port,
    )


def test_a_connection_that_no_socket_had_is_high(log, found):
    flow(log, flags=SYN)
    [finding] = found()
    assert finding.rule == "ATO-EVA-022"
    assert finding.severity is Severity.HIGH
    assert finding.key == f"unattributed_flow:{PEER}:4444/tcp"
    assert finding.count == 2
    assert "120 bytes" in finding.evidence[0].text


def test_one_destination_is_one_finding(log, found):
    for port in range(1, 9):
        flow(log, client_port=port, flags=SYN)
    [finding] = found()
    assert finding.count == 16


@pytest.mark.parametrize("protocol", ["udp", "sctp", "ip-47"])
def test_other_protocols_are_told_too(log, found, protocol):
    flow(log, protocol, port=0 if protocol == "ip-47" else 99)
    assert len(found()) == 1


def test_an_echo_that_nobody_sent_is_told(log, found):
    flow(log, "icmp", client_port=0, port=0, icmp=0x0800)
    assert len(found()) == 1


def test_a_socket_in_another_place_explains_nothing(log, found):
    state(log, "ESTABLISHED", 40001)
    flow(log, flags=SYN)
    assert len(found()) == 1


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_tcp_socket_explains_its_connection(log, found, before):
    if before:
        state(log, "ESTABLISHED", 40000)
    flow(log, flags=0x1B)
    if not before:
        state(log, "CLOSE_WAIT", 40000)
    assert found() == ()


def test_a_connection_that_never_came_about_is_its_sockets(log, found):
    state(log, "SYN_SENT", 0)
    flow(log, flags=SYN)
    assert found() == ()


def test_once_its_port_is_known_a_socket_explains_no_other(log, found):
    state(log, "SYN_SENT", 0)
    state(log, "ESTABLISHED", 40001)
    flow(log, flags=SYN)
    assert len(found()) == 1


def test_a_listener_explains_what_it_answers(log, found):
    state(log, "LISTEN", 8080, port=0)
    flow(log, client_port=8080, port=50000, flags=0x12)
    assert found() == ()


def test_datagrams_are_explained_by_who_named_the_destination(log, found):
    log.send(log.root, PEER, 99, b"x")
    flow(log, "udp", port=99)
    flow(log, "udp", client_port=0, port=0)  # later fragments
    assert found() == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"flags": RST},
        {"flags": RST_ACK},
        {"protocol": "icmp", "port": 0, "client_port": 0, "icmp": 0x0303},
        {"protocol": "icmp6", "port": 0, "client_port": 0, "icmp": 0x8700},
        {"protocol": "icmp6", "port": 0, "client_port": 0, "icmp": 0x8F00},
        {"protocol": "ip-2", "port": 0, "client_port": 0},
    ],
    ids=["reset", "reset of a segment", "unreachable", "neighbour", "mld", "igmp"],
)
def test_what_the_kernel_sends_is_its_own(log, found, fields):
    flow(log, **fields)
    assert found() == ()


def test_data_under_a_reset_is_nobodys(log, found):
    flow(log, flags=RST_ACK, bytes=5000)
    assert len(found()) == 1


def test_nothing_is_said_of_a_capture_that_lost_events(log, found):
    flow(log, flags=SYN)
    assert found(lost=1) == ()


def test_sums_are_by_owner(log):
    state(log, "ESTABLISHED", 40000)
    flow(log, flags=0x18, bytes=1000)
    flow(log, flags=RST, client_port=1, bytes=54, packets=1)
    flow(log, "udp", port=5, bytes=99)
    attribution = Attribution()
    for event in log.events:
        attribution.update(event)
    sums = attribution.sums()
    assert {owner: each.bytes for owner, each in sums.items()} == {
        "sockets": 1000,
        "kernel": 54,
        "nobody": 99,
    }
