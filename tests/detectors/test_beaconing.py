"""beaconing: a timer is heard on TCP, UDP and inside one connection; ordinary traffic is not."""

from __future__ import annotations

import random

import pytest

from pytest_ato.detectors.beaconing import Beaconing
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Category, Severity

HOST = "updates.vendor.example"
ADDRESS = "198.18.0.7"


def call(log, pid: int, size: int = 48) -> None:
    log.tcp(pid, ADDRESS, 443, b"x" * size)


@pytest.mark.parametrize("jitter", [0.0, 0.1, 0.2, 0.3, 0.4])
def test_regular_requests_to_a_name(log, detect, jitter: float) -> None:
    log.dns(HOST, ADDRESS, pid=log.root)
    chance = random.Random(1)
    for _ in range(15):
        call(log, log.root)
        log.wait(2 * chance.uniform(1 - jitter, 1 + jitter))
    (finding,) = detect(Beaconing, log)
    assert finding.key == f"beaconing:{HOST}:443"
    assert finding.rule == "ATO-C2C-009"
    assert finding.category is Category.C2
    assert finding.severity is Severity.HIGH
    assert finding.count == 15
    assert " s (jitter " in finding.title
    assert [link.pid for link in finding.lineage] == [log.root]


def test_each_call_by_a_new_process(log, detect) -> None:
    log.dns(HOST, ADDRESS, pid=log.root)
    for _ in range(6):
        child = log.spawn(log.root, "/usr/bin/curl", f"https://{HOST}/")
        call(log, child)
        log.exit(child)
        log.wait(1.0)
    (finding,) = detect(Beaconing, log)
    assert finding.lineage[-1].path == "/usr/bin/curl"


def test_the_key_does_not_hold_the_sinkholes_address(make_log, detect) -> None:
    keys = []
    for address in ("198.18.3.4", "198.19.200.1"):
        log = make_log()
        log.dns(HOST, address, pid=log.root)
        for _ in range(6):
            log.tcp(log.root, address, 80, b"ping")
            log.wait(3)
        keys += [finding.key for finding in detect(Beaconing, log)]
    assert keys == [f"beaconing:{HOST}:80"] * 2


def test_the_connect_hook_is_enough(log, detect) -> None:
    for _ in range(6):
        log.connect(log.root, "203.0.113.9", 4444)
        log.wait(5)
    (finding,) = detect(Beaconing, log)
    assert finding.where == "203.0.113.9:4444"


@pytest.mark.parametrize("on_the_wire", [True, False])
def test_udp(log, detect, on_the_wire: bool) -> None:
    for _ in range(8):
        if on_the_wire:
            log.send(log.root, "203.0.113.9", 9999, b"alive")
        else:
            log.add(
                ev.Send,
                pid=log.root,
                source="kernel",
                family="inet",
                address="203.0.113.9",
                port=9999,
                protocol="udp",
                size=5,
            )
        log.wait(1.5)
    (finding,) = detect(Beaconing, log)
    assert finding.key == "beaconing:203.0.113.9:9999/udp"
    assert finding.count == 8


def long_connection(log, gaps: list[float], size: int) -> None:
    cookie = log.connect(log.root, ADDRESS, 8443)
    common = {"cookie": cookie, "local": "192.0.2.2", "address": ADDRESS, "port": 8443}
    log.add(ev.SocketState, pid=100, old="CLOSE", new="SYN_SENT", local_port=0, **common)
    known = {
        "connection": 9,
        "client": "192.0.2.2",
        "client_port": 41000,
        "address": ADDRESS,
        "port": 8443,
        "direction": "out",
    }
    for number, gap in enumerate(gaps):
        log.add(ev.Tcp, offset=number * size, data="x" * size, **known)
        log.wait(gap)
    log.add(ev.Tcp, closed=True, sent=size * len(gaps), received=0, **known)


def test_small_regular_writes_on_one_connection(log, detect) -> None:
    long_connection(log, [2.0, 2.1, 1.95, 2.0, 2.05, 1.9], 32)
    (finding,) = detect(Beaconing, log)
    assert "writes on one connection" in finding.evidence[0].text


def test_an_upload_at_the_links_pace_is_none(log, detect) -> None:
    long_connection(log, [1.0] * 8, 16384)
    assert detect(Beaconing, log) == ()


def test_irregular_writes_on_one_connection(log, detect) -> None:
    long_connection(log, [0.4, 3.0, 1.1, 6.0, 0.7, 2.2, 9.0], 32)
    assert detect(Beaconing, log) == ()


def test_three_intervals_are_too_few(log, detect) -> None:
    for _ in range(4):
        call(log, log.root)
        log.wait(2)
    assert detect(Beaconing, log) == ()


@pytest.mark.parametrize("seed", range(20))
def test_a_persons_visits(log, detect, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(15):
        call(log, log.root, chance.randrange(200, 1500))
        log.wait(chance.expovariate(1 / 3))
    assert detect(Beaconing, log) == ()


def test_a_package_manager_fetching_many_files(log, detect) -> None:
    for _ in range(20):
        call(log, log.root)
        log.wait(0.15)
    assert detect(Beaconing, log) == ()


def test_retries_that_are_refused(log, detect) -> None:
    for cookie in range(900, 910):
        common = {"cookie": cookie, "local": "192.0.2.2", "address": ADDRESS, "port": 5432}
        log.add(ev.SocketState, pid=100, old="CLOSE", new="SYN_SENT", local_port=0, **common)
        log.add(ev.SocketState, pid=100, old="SYN_SENT", new="CLOSE", local_port=4, **common)
        log.wait(2)
    assert detect(Beaconing, log) == ()


def test_retries_that_the_system_call_refused(log, detect) -> None:
    for _ in range(10):
        log.connect(log.root, "203.0.113.9", 5432, result=-111)
        log.wait(2)
    assert detect(Beaconing, log) == ()


def test_connections_under_way_are_no_failures(log, detect) -> None:
    for _ in range(6):
        log.connect(log.root, "203.0.113.9", 443, result=-115)
        log.wait(2)
    assert len(detect(Beaconing, log)) == 1


def test_regular_calls_to_different_hosts(log, detect) -> None:
    for host in range(10):
        log.tcp(log.root, f"203.0.113.{host}", 443, b"hello")
        log.wait(2)
    assert detect(Beaconing, log) == ()


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("127.0.0.1", 8080),
        ("::1", 8080),
        ("192.0.2.2", 8080),
        ("224.0.0.251", 5353),
        ("239.255.255.250", 1900),
    ],
)
def test_what_stays_here_or_on_the_link(log, detect, address: str, port: int) -> None:
    for _ in range(10):
        log.connect(log.root, address, port)
        log.send(log.root, address, port, b"hello")
        log.wait(2)
    assert detect(Beaconing, log) == ()


def test_the_resolver_asked_at_regular_times(log, detect) -> None:
    for _ in range(10):
        log.send(log.root, log.resolver, 53, b"question")
        log.wait(2)
    assert detect(Beaconing, log) == ()
