"""Team Cymru's zones on a real server: what is known, what is unknown and why."""

from __future__ import annotations

import time

import pytest

from pytest_ato.enrich import cymru
from pytest_ato.enrich.cymru import CymruEnricher
from pytest_ato.model.events import Enrichment


def ask(server: tuple[str, int], *addresses: str) -> list[Enrichment]:
    return CymruEnricher(server).look_up(addresses, 7)


def test_an_address_gets_name_network_and_country(name_server):
    [found] = ask(name_server, "203.0.113.9")
    assert found == Enrichment(
        ts=7,
        address="203.0.113.9",
        ptr="host9.vendor.example",
        asn=64500,
        as_name="EXAMPLE-AS Example Networks, DE",
        country="DE",
        prefix="203.0.113.0/24",
        basis="Team Cymru's DNS zones, by 127.0.0.1",
    )


def test_an_ipv6_address_has_zones_of_its_own(name_server):
    [found] = ask(name_server, "2001:db8::9")
    assert (found.asn, found.country, found.as_name) == (64510, "JP", "V6-AS, JP")
    assert found.ptr == "six.vendor.example"


def test_the_most_special_announcement_counts_and_its_first_network(name_server):
    [found] = ask(name_server, "203.0.113.10")
    assert (found.asn, found.prefix, found.country) == (64501, "203.0.113.0/28", "NL")


def test_names_of_networks_are_printable(name_server):
    [found] = ask(name_server, "203.0.113.10")
    assert found.as_name.isprintable()
    assert "EVIL" in found.as_name


@pytest.mark.parametrize("last", [11, 12, 14], ids=["no form", "another address", "huge number"])
def test_an_answer_that_is_none_is_unknown(name_server, last):
    [found] = ask(name_server, f"203.0.113.{last}")
    assert (found.asn, found.country, found.basis) == (0, "", "")
    assert found.reason == "no readable answer of who announces it"


def test_a_country_that_is_none_is_unknown(name_server):
    [found] = ask(name_server, "203.0.113.13")
    assert (found.asn, found.country) == (64500, "")


def test_a_network_without_a_name_stays_known(name_server):
    [found] = ask(name_server, "203.0.113.15")
    assert (found.asn, found.as_name, found.country) == (64504, "", "DE")
    assert found.reason == "no registry entry"


def test_an_address_that_nobody_announces_is_unknown(name_server):
    [found] = ask(name_server, "203.0.113.200")
    assert (found.asn, found.ptr, found.reason) == (0, "", "no registry entry")


def test_a_server_that_refuses_is_told(name_server):
    [found] = ask(name_server, "192.0.2.1")  # PTR: a zone that it does not have
    assert "the resolver 127.0.0.1 failed or refused" in found.reason


def test_answers_are_remembered(name_server, relay):
    counting = relay(lambda answer: answer)
    enricher = CymruEnricher(counting.address)
    first = enricher.look_up(["203.0.113.9"], 1)
    asked = counting.questions
    assert asked == 3
    assert enricher.look_up(["203.0.113.9"], 2) == first
    assert counting.questions == asked


def test_order_and_number_are_those_of_the_addresses(name_server):
    addresses = [f"203.0.113.{last}" for last in (200, 9, 201, 10, 9, 202, 203, 204, 205, 206)]
    assert [found.address for found in ask(name_server, *addresses)] == addresses


def test_a_slow_server_is_waited_for(relay):
    def slowly(answer: bytes) -> bytes:
        time.sleep(0.4)
        return answer

    [found] = ask(relay(slowly).address, "203.0.113.9")
    assert (found.asn, found.reason) == (64500, "")


def test_a_lost_answer_is_asked_for_again(relay, monkeypatch):
    monkeypatch.setattr(cymru, "_TRY", 0.2)
    seen: list[bytes] = []

    def lose_first(answer: bytes) -> bytes | None:
        seen.append(answer)
        return answer if len(seen) > 1 else None

    [found] = ask(relay(lose_first).address, "203.0.113.9")
    assert (found.asn, found.reason) == (64500, "")


@pytest.mark.parametrize(
    "treat",
    [lambda _: b"", lambda answer: answer[:9], lambda _: b"\xff" * 400, lambda _: None],
    ids=["empty", "cut", "noise", "silent"],
)
def test_a_broken_server_leaves_it_unknown_in_bounded_time(relay, monkeypatch, treat):
    monkeypatch.setattr(cymru, "_TRY", 0.1)
    monkeypatch.setattr(cymru, "_QUERY", 0.3)
    began = time.monotonic()
    found = ask(relay(treat).address, *(f"203.0.113.{last}" for last in range(100)))
    assert time.monotonic() - began < 20
    assert {one.asn for one in found} == {0}
    assert all(one.reason for one in found)
    assert "the resolver 127.0.0.1 does not answer" in found[-1].reason


def test_the_budget_is_for_all(relay):
    def never(answer: bytes) -> None:
        return None

    enricher = CymruEnricher(relay(never).address, budget=0.5)
    began = time.monotonic()
    found = enricher.look_up([f"203.0.113.{last}" for last in range(32)], 0)
    assert time.monotonic() - began < 10
    assert "the 0.5 s for asking were over" in found[-1].reason


def test_a_machine_without_a_resolver_says_so(monkeypatch):
    def fail(*_: object) -> None:
        raise FileNotFoundError("no such file")

    monkeypatch.setattr("dns.resolver.Resolver.read_resolv_conf", fail)
    [found] = CymruEnricher().look_up(["203.0.113.9"], 0)
    assert found.reason == "this machine has no resolver (no such file)"
