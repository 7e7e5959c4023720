"""pii_egress: what passes its check and leaves is found and never shown; ids and a few are not."""

from __future__ import annotations

import base64
import gzip
import json

import pytest

from pytest_ato.detectors.pii_egress import PiiEgress
from pytest_ato.model.events import encode
from pytest_ato.model.findings import Severity

ADDRESS = "198.18.0.9"
HOST = "crm.vendor.example"
CARD = "4111111111111111"
IBAN = "DE89370400440532013000"


def post(body: bytes, *headers: bytes) -> bytes:
    head = b"POST /v1 HTTP/1.1\r\nHost: " + HOST.encode()
    lines = (head, *headers, b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.fixture
def send(log):
    def sent(*pieces: bytes) -> None:
        log.dns(HOST, ADDRESS, pid=log.root)
        log.tcp(log.root, ADDRESS, 80, *pieces)

    return sent


def test_a_card_in_a_form(log, detect, send) -> None:
    send(post(b"name=Jane+Doe&pan=" + CARD.encode()))
    (finding,) = detect(PiiEgress, log)
    assert finding.rule == "ATO-PII-007"
    assert finding.severity is Severity.HIGH
    assert finding.key == f"pii_egress:card:{HOST}:80"
    assert finding.where == f"{HOST}:80"
    assert [link.pid for link in finding.lineage] == [log.root]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (json.dumps({"iban": IBAN, "name": "Jane Doe"}).encode(), ()),
        (base64.b64encode(f"account {IBAN} of Jane Doe".encode()), ()),
        (gzip.compress(f"account {IBAN}".encode()), (b"Content-Encoding: gzip",)),
        (gzip.compress(f"account {IBAN}".encode()), ()),
        (f"account {IBAN}".encode().hex().encode(), ()),
    ],
    ids=["json", "base64", "content-encoding", "gzip", "hex"],
)
def test_an_iban_under_one_layer(log, detect, send, body: bytes, headers) -> None:
    send(post(body, *headers))
    (finding,) = detect(PiiEgress, log)
    assert finding.key == f"pii_egress:iban:{HOST}:80"


def test_no_output_holds_a_value(log, detect, send) -> None:
    send(post(f"Jane Doe,{CARD},{IBAN},219-09-9998".encode()))
    findings = detect(PiiEgress, log)
    assert {finding.key.partition(":")[2].partition(":")[0] for finding in findings} == {
        "card",
        "iban",
        "ssn",
    }
    told = b"".join(encode(finding) for finding in findings)
    for secret in (CARD, IBAN, "219-09-9998", "Jane", CARD[:8], IBAN[-8:]):
        assert secret.encode() not in told


def test_a_value_that_is_cut_into_writes(log, detect, send) -> None:
    request = post(CARD.encode())
    send(*(request[at : at + 5] for at in range(0, len(request), 5)))
    assert len(detect(PiiEgress, log)) == 1


def test_by_udp(log, detect) -> None:
    log.send(log.root, "203.0.113.9", 9999, b"card=" + CARD.encode())
    (finding,) = detect(PiiEgress, log)
    assert finding.where == "203.0.113.9:9999"


def test_the_same_value_again_and_again_is_one(log, detect, send) -> None:
    for _ in range(50):
        send(post(CARD.encode()))
    (finding,) = detect(PiiEgress, log)
    assert finding.count == 1


def test_addresses_in_bulk(log, detect, send) -> None:
    send(post("\n".join(f"user{n}@customer{n}.example" for n in range(30)).encode()))
    (finding,) = detect(PiiEgress, log)
    assert finding.key.startswith("pii_egress:e-mail:")
    assert finding.count == 30


def test_phone_numbers_in_bulk(log, detect, send) -> None:
    send(post("\n".join(f"+1-415-231-{n:04}" for n in range(2000, 2030)).encode()))
    (finding,) = detect(PiiEgress, log)
    assert finding.key.startswith("pii_egress:phone:")


def test_a_long_list_in_pieces_is_counted_once(log, detect, send) -> None:
    body = b"\n".join(b"user%d@customer.example" % n for n in range(400))
    request = post(body)
    send(*(request[at : at + 1000] for at in range(0, len(request), 1000)))
    (finding,) = detect(PiiEgress, log)
    assert 400 <= finding.count <= 410


@pytest.mark.parametrize(
    "body",
    [
        b"order=4111111111111112&ref=1234567890123456",
        b"0000000000000000 5555555555555555",
        b"support@vendor.example, +1-415-231-2671",
        b"DE00370400440532013000 000-00-0000",
    ],
    ids=["order ids", "one digit", "a contact", "wrong check digits"],
)
def test_what_only_looks_alike(log, detect, send, body: bytes) -> None:
    send(post(body))
    assert detect(PiiEgress, log) == ()


def test_what_comes_back_is_no_egress(log, detect) -> None:
    log.tcp(log.root, ADDRESS, 80, post(b"x"), reply=post(CARD.encode()))
    assert detect(PiiEgress, log) == ()
