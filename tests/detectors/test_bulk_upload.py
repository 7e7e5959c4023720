"""bulk_upload: an upload is found in one piece or many; a download and small talk are not."""

from __future__ import annotations

from pytest_ato.detectors.bulk_upload import BulkUpload
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity

ADDRESS = "198.18.0.9"
MEGABYTE = 1 << 20


def exchange(log, sent: int, received: int, connection: int = 1) -> None:
    log.dns("files.vendor.example", ADDRESS)
    log.connect(log.root, ADDRESS, 443)
    known = {
        "connection": connection,
        "client": "192.0.2.2",
        "client_port": 40_000,
        "address": ADDRESS,
        "port": 443,
        "direction": "out",
    }
    log.add(ev.Tcp, data="x" * 100, **known)
    log.add(ev.Tcp, closed=True, sent=sent, received=received, **known)


def test_a_put(log, detect) -> None:
    exchange(log, 5 * MEGABYTE, 300)
    (finding,) = detect(BulkUpload, log)
    assert finding.rule == "ATO-EXF-008"
    assert finding.severity is Severity.MEDIUM
    assert finding.key == "bulk_upload:files.vendor.example:443"
    assert "5,242,880 bytes" in str(finding.evidence[0].text)
    assert finding.lineage


def test_in_parts(log, detect) -> None:
    for number in range(20):
        exchange(log, 100_000, 200, number)
    (finding,) = detect(BulkUpload, log)
    assert finding.count == 20


def test_by_udp(log, detect) -> None:
    for _ in range(20):
        log.datagram("203.0.113.9", 9999, b"first part", size=60_000)
    (finding,) = detect(BulkUpload, log)
    assert finding.where == "203.0.113.9:9999"


def test_a_connection_that_never_closed(log, detect) -> None:
    log.add(
        ev.Tcp,
        connection=1,
        client="192.0.2.2",
        client_port=40_000,
        address=ADDRESS,
        port=443,
        direction="out",
        offset=2 * MEGABYTE,
        data="end",
    )
    assert len(detect(BulkUpload, log)) == 1


def test_a_download(log, detect) -> None:
    exchange(log, 500, 5 * MEGABYTE)
    assert detect(BulkUpload, log) == ()


def test_as_much_comes_back(log, detect) -> None:
    exchange(log, 2 * MEGABYTE, MEGABYTE)
    assert detect(BulkUpload, log) == ()


def test_small_requests(log, detect) -> None:
    for number in range(100):
        exchange(log, 2_000, 200, number)
    assert detect(BulkUpload, log) == ()
