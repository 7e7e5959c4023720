"""raw_ip_egress: hard-coded addresses, told from answers, local talk and asking for a route."""

from __future__ import annotations

import errno

import pytest

from pytest_ato.detectors.raw_ip_egress import RawIpEgress
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import show

SINK = "198.18.0.7"
RAW = "203.0.113.9"


def test_a_hard_coded_address(log, detect):
    shell = log.spawn(log.root, "/bin/sh")
    log.tcp(shell, RAW, 4444, b"hello")
    [finding] = detect(RawIpEgress, log)
    assert finding.severity is Severity.MEDIUM
    assert finding.rule == "ATO-C2C-016"
    assert finding.key == "raw_ip_egress:203.0.113.9:4444/tcp"
    assert finding.count == 1
    assert finding.where == "203.0.113.9:4444"
    assert "app → sh" in finding.title
    assert show(finding.lineage[-1].path) == "/bin/sh"


def test_two_protocols_and_two_ports_are_told_apart(log, detect):
    log.tcp(log.root, RAW, 53, b"x")
    log.send(log.root, RAW, 53, b"x")
    log.tcp(log.root, RAW, 54, b"x")
    keys = [finding.key.removeprefix("raw_ip_egress:") for finding in detect(RawIpEgress, log)]
    assert keys == ["203.0.113.9:53/tcp", "203.0.113.9:53/udp", "203.0.113.9:54/tcp"]


def test_ipv6(log, detect):
    log.tcp(log.root, "2001:db8::1", 443, b"x")
    [finding] = detect(RawIpEgress, log)
    assert finding.key == "raw_ip_egress:[2001:db8::1]:443/tcp"


def test_a_refused_attempt_without_a_network(make_log, detect):
    log = make_log(network="none")
    log.connect(log.root, RAW, 443, result=-errno.ENETUNREACH)
    [finding] = detect(RawIpEgress, log)
    assert finding.key == "raw_ip_egress:203.0.113.9:443/tcp"


def test_a_refused_attempt_that_only_the_system_call_shows(make_log, detect):
    log = make_log(network="none")
    known = {"pid": log.root, "source": "syscall", "family": "inet", "address": RAW, "port": 443}
    log.add(ev.Connect, result=-errno.ENETUNREACH, **known)
    [finding] = detect(RawIpEgress, log)
    assert finding.key == "raw_ip_egress:203.0.113.9:443/ip"


def test_a_foreign_dns_server(log, detect):
    log.connect(log.root, "198.51.100.53", 53, protocol="udp")
    log.dns("www.example.org", SINK, server="198.51.100.53")
    [finding] = detect(RawIpEgress, log)
    assert finding.key == "raw_ip_egress:198.51.100.53:53/udp"


def test_icmp(log, detect):
    known = {"source": "kernel", "family": "inet", "address": RAW, "protocol": "icmp"}
    log.add(ev.Send, pid=log.root, size=64, **known)
    log.datagram(RAW, 0, b"\x08\x00", protocol="icmp")
    [finding] = detect(RawIpEgress, log)
    assert finding.key == "raw_ip_egress:203.0.113.9/icmp"


def test_an_answer_that_comes_after_is_no_excuse(log, detect):
    log.tcp(log.root, SINK, 443, b"x")
    log.wait(1)
    log.dns("www.example.org", SINK)
    [finding] = detect(RawIpEgress, log)
    assert finding.key == "raw_ip_egress:198.18.0.0/15:443/tcp"


def test_udp_connect_and_then_a_packet(log, detect):
    log.connect(log.root, RAW, 514, protocol="udp")
    log.datagram(RAW, 514, b"<1>hello")
    [finding] = detect(RawIpEgress, log)
    assert finding.key == "raw_ip_egress:203.0.113.9:514/udp"
    assert show(finding.lineage[-1].path) == "/opt/vendor/app"


def test_a_scan_of_many_addresses_stays_readable(log, detect):
    for number in range(1000):
        known = {"source": "kernel", "family": "inet", "protocol": "tcp", "port": number + 1}
        log.add(ev.Connect, pid=log.root, address=RAW, **known)
    findings = detect(RawIpEgress, log)
    assert len(findings) <= 201
    assert sum(finding.count for finding in findings) == 1000


# --- what must stay silent --------------------------------------------------------------------


def test_an_answered_name_is_silent(log, detect):
    log.dns("www.example.org", SINK, "2001:db8::7", pid=log.root)
    log.tcp(log.root, SINK, 443, b"x")
    log.wait(100)
    log.tcp(log.root, SINK, 80, b"x")
    log.connect(log.root, "2001:0db8:0::7", 443, result=-errno.ENETUNREACH)
    log.send(log.root, SINK, 123, b"x")
    assert detect(RawIpEgress, log) == ()


def test_an_answer_that_the_log_has_a_little_late_is_silent(log, detect):
    log.connect(log.root, SINK, 443)
    log.dns("www.example.org", SINK, ts=log.events[-2].ts - 1000)
    log.tcp(log.root, SINK, 443, b"x")
    assert detect(RawIpEgress, log) == ()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "::",
        "224.0.0.251",
        "ff02::fb",
        "255.255.255.255",
        "169.254.169.254",
        "fd00:ec2::254",
        "192.0.2.53",  # the sandbox's resolver
        "192.0.2.2",  # the sandbox itself
    ],
)
def test_addresses_that_say_nothing_are_silent(log, detect, address):
    log.tcp(log.root, address, 443, b"x")
    log.send(log.root, address, 53, b"x")
    assert detect(RawIpEgress, log) == ()


@pytest.mark.parametrize("network", ["sinkhole", "none"])
def test_asking_for_the_own_address_is_silent(make_log, detect, network):
    log = make_log(network=network)
    result = -errno.ENETUNREACH if network == "none" else 0
    log.connect(log.root, "203.0.113.8", 80, protocol="udp", result=result)
    log.connect(log.root, "203.0.113.8", 0, protocol="udp", result=result)
    assert detect(RawIpEgress, log) == ()


def test_a_call_that_the_kernel_never_took_is_silent(log, detect):
    for result in (-errno.EBADF, -errno.EFAULT, -errno.EINVAL, -errno.ENOTSOCK):
        known = {"source": "syscall", "family": "inet", "address": RAW, "port": 9}
        log.add(ev.Connect, pid=log.root, result=result, protocol="tcp", **known)
        log.add(ev.Send, pid=log.root, result=result, **known)
    assert detect(RawIpEgress, log) == ()


def test_unix_sockets_are_silent(log, detect):
    known = {"source": "syscall", "family": "unix", "address": "/run/x.sock", "result": 0}
    log.add(ev.Connect, pid=log.root, **known)
    assert detect(RawIpEgress, log) == ()
