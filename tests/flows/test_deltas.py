"""Differences between walks, by hand-made totals."""

from __future__ import annotations

from pytest_ato.capture.flowabi import Totals
from pytest_ato.flows.deltas import Deltas, since


def totals(packets: int, first: int = 100) -> Totals:
    return Totals(packets, 2 * packets, 60 * packets, 90 * packets, first, first + packets, 2, 16)


def test_a_new_flow_is_whole() -> None:
    assert since(None, totals(5)) == totals(5)


def test_of_a_known_flow_only_what_came() -> None:
    delta = since(totals(5), totals(8))
    assert delta[:4] == totals(3)[:4]
    assert delta[4:] == totals(8)[4:]


def test_an_entry_that_was_made_again_is_whole() -> None:
    assert since(totals(5), totals(2)) == totals(2)
    assert since(totals(5), totals(9, first=300)) == totals(9, first=300)


def test_only_flows_with_packets_are_told_and_gone_ones_forgotten() -> None:
    deltas = Deltas()
    assert len(list(deltas.take([(b"a", totals(1)), (b"b", totals(1))]))) == 2
    assert list(deltas.take([(b"a", totals(1))])) == []
    again = dict(deltas.take([(b"a", totals(4)), (b"b", totals(1))]))
    assert again[b"a"][:4] == totals(3)[:4]
    assert again[b"b"] == totals(1)
