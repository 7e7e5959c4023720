"""dns_tunnel: encoded names in numbers or lengths are found; hashes, words, numbers are not."""

from __future__ import annotations

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.dns_tunnel import DnsTunnel, encoded_part, entropy, reads_encoded
from pytest_ato.model.events import Dns
from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import B64

ADDRESS = "198.18.0.9"


def chunks(size: int, count: int, seed: int = 1) -> list[bytes]:
    chance = random.Random(seed)
    return [chance.randbytes(size) for _ in range(count)]


def base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


ENCODINGS = {"base32": base32, "base64url": base64url, "hex": bytes.hex}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("seed", range(10))
def test_a_file_in_labels(log, detect, encode, seed: int) -> None:
    for number, chunk in enumerate(chunks(20, 25, seed)):
        log.dns(f"{encode(chunk)}.{number}.t.vendor.example", ADDRESS, pid=log.root)
        log.wait(0.1)
    (finding,) = detect(DnsTunnel, log)
    assert finding.key == "dns_tunnel:vendor.example"
    assert finding.rule == "ATO-DNS-010"
    assert finding.severity is Severity.HIGH
    assert 20 <= finding.count <= 25
    assert [link.pid for link in finding.lineage] == [log.root]


def test_the_parent_below_a_country(log, detect) -> None:
    for chunk in chunks(20, 25):
        log.dns(f"{base32(chunk)}.vendor.co.uk", ADDRESS)
    (finding,) = detect(DnsTunnel, log)
    assert finding.where == "vendor.co.uk"


def test_two_names_filled_to_the_brim(log, detect) -> None:
    for chunk in chunks(100, 2):
        text = chunk.hex()
        labels = [text[at : at + 60] for at in range(0, len(text), 60)]
        log.dns(".".join([*labels, "vendor.example"]), ADDRESS)
    assert len(detect(DnsTunnel, log)) == 1


def test_commands_fetched_as_txt(log, detect) -> None:
    for chunk in chunks(8, 8):
        log.dns(f"{base32(chunk)}.c.vendor.example", ADDRESS, qtype="TXT")
    assert len(detect(DnsTunnel, log)) == 1


def test_the_same_names_as_addresses_are_too_few(log, detect) -> None:
    for chunk in chunks(8, 8):
        log.dns(f"{base32(chunk)}.c.vendor.example", ADDRESS)
    assert detect(DnsTunnel, log) == ()


@pytest.mark.parametrize("count", [3, 8])
def test_hashed_names_of_a_content_network(log, detect, count: int) -> None:
    for chunk in chunks(16, count):
        for _ in range(5):
            log.dns(f"{chunk.hex()}.cdn.example", ADDRESS)
            log.dns(f"d{chunk.hex()[:13]}.edge.example", ADDRESS)
    assert detect(DnsTunnel, log) == ()


def test_long_names_that_people_chose(log, detect) -> None:
    words = ("annual", "customer", "conference", "registration", "spring", "campaign", "europe")
    chance = random.Random(2)
    for number in range(60):
        name = "-".join(chance.sample(words, 5)) + f"-2024-q{number % 4}-server{number:02}"
        log.dns(f"{name}.marketing.vendor.example", ADDRESS)
    assert detect(DnsTunnel, log) == ()


def test_many_ordinary_hosts(log, detect) -> None:
    for number in range(300):
        log.dns(f"ip-10-0-{number // 256}-{number % 256}.compute.vendor.example", ADDRESS)
        log.dns(f"web{number:03}.prod.vendor.example", ADDRESS)
    assert detect(DnsTunnel, log) == ()


def test_reverse_lookups_and_block_lists(log, detect) -> None:
    for number in range(100):
        log.dns(f"{number}.2.0.192.in-addr.arpa", qtype="PTR")
        nibbles = ".".join(f"{number:032x}"[::-1])
        log.dns(f"{nibbles}.ip6.arpa", qtype="PTR")
        log.dns(f"{nibbles}.zen.blocklist.example")
        log.dns(f"{number}.2.0.192.zen.blocklist.example", qtype="TXT")
    assert detect(DnsTunnel, log) == ()


def test_mail_keys_and_policies_as_txt(log, detect) -> None:
    for selector in ("google", "selector1", "s1024", "k2", "mandrill", "20230601", "fm3", "zmail"):
        log.dns(f"{selector}._domainkey.vendor.example", qtype="TXT")
        log.dns(f"_dmarc.{selector}.vendor.example", qtype="TXT")
    assert detect(DnsTunnel, log) == ()


def test_one_name_asked_often(log, detect) -> None:
    (chunk,) = chunks(40, 1)
    for _ in range(100):
        log.dns(f"{base32(chunk)[:59]}.ipfs.example", ADDRESS)
    assert detect(DnsTunnel, log) == ()


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("mfrggzdfmztwq2lknnwg23tpobyxe43u", True),
        ("d41d8cd98f00b204e9800998ecf8427e", True),
        ("qwrtzpsdfghjklmn", True),
        ("customer-conference-registration", False),
        ("internationalization", False),
        ("server01", False),
        ("20240131235959", False),
        ("xn--bcher-kva8445foa", False),
        ("_domainkey", False),
        ("www", False),
        ("", False),
    ],
)
def test_reads_encoded(label: str, expected: bool) -> None:
    assert reads_encoded(label) is expected


def test_entropy() -> None:
    assert entropy("") == 0
    assert entropy("aaaa") == 0
    assert entropy("0123456789abcdef") == 4


@given(st.lists(st.binary(max_size=255), max_size=5))
def test_hostile_names_do_no_harm(names: list[bytes]) -> None:
    detector = DnsTunnel(Context())
    for name in names:
        event = Dns(
            ts=1,
            client="192.0.2.2",
            server="192.0.2.53",
            transport="udp",
            qname=B64(name),
            qtype="A",
            rcode="NXDOMAIN",
        )
        assert detector.process(event) == ()
    assert all(finding.title.isprintable() for finding in detector.finish())
    assert encoded_part("www.") == ""
