"""The list of HTTP requests: in order, with the sizes of their bodies, and bounded."""

from __future__ import annotations

import pytest

from pytest_ato.detectors import exchanges as exchanges_module
from pytest_ato.detectors.exchanges import Exchanges
from pytest_ato.detectors.traffic import Exchange, Payload
from pytest_ato.protocols.messages import Request


def exchange(number: int) -> Exchange:
    request = Request(number, b"POST", b"/", b"vendor.example", ())
    return Exchange(
        ts=number,
        connection=1,
        destination="vendor.example:80",
        number=number,
        request=request,
        url="http://vendor.example/",
    )


def payload(number: int, data: bytes, *path: str) -> Payload:
    return Payload(
        ts=number,
        connection=1,
        destination="vendor.example:80",
        path=path,
        part=1,
        data=data,
        exchange=number,
    )


def test_only_bodies_count() -> None:
    exchanges = Exchanges()
    exchanges.update(exchange(1))
    exchanges.update(payload(1, b"x-header: 1", "http headers"))
    exchanges.update(payload(1, b"hello", "tls", "http body", "gzip"))
    exchanges.update(payload(1, b" world", "tls", "http body", "gzip"))
    exchanges.update(payload(2, b"of no request that is known", "http body"))
    assert [(seen.exchange.number, seen.body) for seen in exchanges.all] == [(1, 11)]


def test_those_beyond_the_bound_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges_module, "MAX_EXCHANGES", 2)
    exchanges = Exchanges()
    for number in (1, 2, 3):
        exchanges.update(exchange(number))
    assert exchanges.total == 3
    assert [seen.exchange.number for seen in exchanges.all] == [1, 2]
