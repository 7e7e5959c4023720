"""Which flows have news: also when entries are removed, made again, or told of late."""

from __future__ import annotations

from pytest_ato.capture.flowabi import Totals
from pytest_ato.dispatch.stated import News, Stated


def totals(packets: int, first: int = 100, last: int = 200) -> Totals:
    return Totals(packets, 0, packets * 10, 0, first, last, 0, 0)


def test_news_is_what_changed() -> None:
    stated = Stated()
    assert [each.key for each in stated.take([(b"a", totals(1)), (b"b", totals(2))], 0).news] == [
        b"a",
        b"b",
    ]
    found = stated.take([(b"a", totals(1)), (b"b", totals(5))], 0)
    assert found.news == [News(b"b", 100, totals(5))]
    assert (found.packets_out, found.bytes_out, found.flows) == (3, 30, 2)


def test_an_entry_made_again_counts_from_its_beginning() -> None:
    stated = Stated()
    stated.take([(b"a", totals(5))], 0)
    found = stated.take([(b"a", totals(7, first=300))], 0)
    assert found.news == [News(b"a", 300, totals(7, first=300))]
    assert found.packets_out == 7


def test_an_earlier_beginning_is_the_same_entry() -> None:
    stated = Stated()
    stated.take([(b"a", totals(5, first=100))], 0)
    found = stated.take([(b"a", totals(6, first=96))], 0)
    assert found.news == [News(b"a", 100, totals(6, first=96))]
    assert found.packets_out == 1


def test_what_has_gone_is_forgotten() -> None:
    stated = Stated()
    stated.take([(b"a", totals(5))], 0)
    stated.take([], 0)
    assert stated.take([(b"a", totals(5))], 0).packets_out == 5


def test_idle_is_what_said_nothing_lately() -> None:
    found = Stated().take([(b"a", totals(1, last=50)), (b"b", totals(1, last=60))], 60)
    assert found.idle == [(50, b"a")]


def test_a_removal_tells_what_is_not_stated() -> None:
    stated = Stated()
    stated.take([(b"a", totals(5)), (b"b", totals(5))], 0)
    assert stated.has(b"a", totals(5))
    assert not stated.has(b"a", totals(6))
    assert stated.remove(b"a", totals(5)) is None
    assert stated.remove(b"b", totals(6)) == News(b"b", 100, totals(6))
    assert not stated.has(b"a", totals(5))
