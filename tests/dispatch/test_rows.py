"""Rows are the evidence view of what the map holds, in canonical JSON."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.capture import flowabi
from pytest_ato.capture.flowabi import Counts, Totals
from pytest_ato.dispatch.batches import Batch, Clock, Source
from pytest_ato.dispatch.rows import COLUMNS, SECRET, Rows
from pytest_ato.evidence.canonical import canonical
from pytest_ato.evidence.coarse import mask_sensitive_fields

ROWS = Rows(bytes(SECRET))
_PORTS = st.integers(0, 65535)
_COUNT = st.integers(0, 2**64 - 1)
_ADDRESSES = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)),
    st.tuples(st.ip_addresses(v=6), st.ip_addresses(v=6)).filter(
        lambda pair: not any(each.ipv4_mapped for each in pair)
    ),
)


def key(source: str, destination: str, sport: int = 1, dport: int = 2) -> bytes:
    pair = [ip_address(each) for each in (source, destination)]
    family = socket.AF_INET if pair[0].version == 4 else socket.AF_INET6
    ends = [each.packed.ljust(16, b"\0") for each in pair]
    return flowabi.KEY.pack(*ends, sport, dport, 0, 0, family, 6, 3)


@settings(max_examples=100)
@given(_ADDRESSES, _PORTS, _PORTS, st.tuples(*[_COUNT] * 6))
def test_a_row_is_the_evidence_view(
    pair: tuple[object, object], sport: int, dport: int, counts: tuple[int, ...]
) -> None:
    data = key(str(pair[0]), str(pair[1]), sport, dport)
    totals = Totals(*counts, 2, 18)
    row = dict(zip(COLUMNS, msgspec.json.decode(ROWS.row(data, 5000, totals)), strict=True))
    shown = flowabi.key(data)
    masked = mask_sensitive_fields(
        {
            "source": shown.source,
            "source_port": shown.source_port,
            "destination": shown.destination,
            "destination_port": shown.destination_port,
        }
    )
    assert {name: row[name] for name in masked} == masked
    assert row["since_us"] == 5
    assert int(row["bytes_in"]) == totals.bytes_in
    assert mask_sensitive_fields(row) == row


@settings(max_examples=30)
@given(st.lists(st.tuples(*[_COUNT] * 4), min_size=1, max_size=9), st.integers(1, 4))
def test_records_are_canonical(counts: list[tuple[int, ...]], size: int) -> None:
    batch = Batch(7, Clock(10**15, "2026-01-01T00:00:00.000Z", -2.5), Counts(*range(6)))
    for number, each in enumerate(counts):
        data = key("192.0.2.1", "198.51.100.1", number)
        batch.rows[data] = ROWS.row(data, 5000, Totals(*each, 1, 2, 3, 4))
    rows = []
    for record in batch.records(Source("run", 4, "boot"), size):
        value = msgspec.json.decode(record)
        assert bytes(record) == canonical(value)
        assert 0 < len(value["rows"]) <= size
        rows += value["rows"]
    assert [row[0] for row in rows] == list(dict.fromkeys(row[0] for row in rows))
    assert len(rows) == len(counts)


def test_digests_tell_ports_apart_and_hide_them() -> None:
    digests = {
        msgspec.json.decode(ROWS.row(key("192.0.2.1", "192.0.2.2", port), 0, Totals(*[0] * 8)))[0]
        for port in range(100)
    }
    assert len(digests) == 100
    other = Rows(b"x" * SECRET).row(key("192.0.2.1", "192.0.2.2", 1), 0, Totals(*[0] * 8))
    assert msgspec.json.decode(other)[0] not in digests
