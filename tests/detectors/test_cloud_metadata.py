"""cloud_metadata: every way to a metadata service is found, also in vain; neighbours are not."""

from __future__ import annotations

import errno

import pytest

from pytest_ato.detectors.cloud_metadata import CloudMetadata
from pytest_ato.detectors.raw_ip_egress import RawIpEgress
from pytest_ato.model.findings import Severity


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "fd00:ec2:0::254", "169.254.170.2"]
)
def test_an_address(log, detect, address: str) -> None:
    log.tcp(log.root, address, 80, b"GET /latest/meta-data/ HTTP/1.1\r\nHost: x\r\n\r\n")
    (finding,) = detect(CloudMetadata, log)
    assert finding.rule == "ATO-CRD-017"
    assert finding.severity is Severity.HIGH
    assert finding.count == 1
    assert [link.pid for link in finding.lineage] == [log.root]
    assert any("/latest/meta-data/" in str(evidence.text) for evidence in finding.evidence)


def test_an_attempt_without_a_network(make_log, detect) -> None:
    log = make_log(network="none")
    log.connect(log.root, "169.254.169.254", 80, result=-errno.ENETUNREACH)
    assert len(detect(CloudMetadata, log)) == 1


def test_names(log, detect) -> None:
    log.dns("metadata.google.internal", "198.18.0.9", pid=log.root)
    log.dns("metadata.google.internal", qtype="AAAA", pid=log.root)
    (finding,) = detect(CloudMetadata, log)
    assert finding.where == "metadata.google.internal"


def test_a_host_header(log, detect) -> None:
    log.tcp(log.root, "203.0.113.9", 80, b"GET / HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n")
    assert len(detect(CloudMetadata, log)) == 1


def test_many_times_is_one(log, detect) -> None:
    for _ in range(1000):
        log.connect(log.root, "169.254.169.254", 80)
    (finding,) = detect(CloudMetadata, log)
    assert finding.count == 1000


@pytest.mark.parametrize("address", ["169.254.169.253", "169.254.1.1", "192.0.2.9"])
def test_other_addresses(log, detect, address: str) -> None:
    log.tcp(log.root, address, 80, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert detect(CloudMetadata, log) == ()


@pytest.mark.parametrize("name", ["metadata.vendor.example", "metadata.google.internal.example"])
def test_other_names(log, detect, name: str) -> None:
    log.dns(name, "198.18.0.9")
    assert detect(CloudMetadata, log) == ()


def test_no_other_detector_names_the_address(log, detect) -> None:
    log.tcp(log.root, "169.254.169.254", 80, b"x")
    assert detect(RawIpEgress, log) == ()
