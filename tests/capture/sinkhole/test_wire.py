"""Messages between capture and the sinkhole: exact, and strict about anything else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture.sinkhole import limits, wire
from pytest_ato.model.events import Datagram
from pytest_ato.model.octets import octets


@pytest.mark.parametrize("order", [wire.Join(3), wire.Settle(3, 1.5)])
def test_orders_come_through(order):
    assert wire.decode_order(wire.encode(order)) == order


@pytest.mark.parametrize("record", [wire.Ready(ts=1), wire.Settled(ts=2, serial=3)])
def test_records_come_through(record):
    assert wire.decode_record(wire.encode(record)) == record


@pytest.mark.parametrize(
    "line",
    [
        b'{"kind":"exec","ts":1,"pid":1,"path":"/x","file":"/x","argv":[]}',
        b'{"kind":"end","ts":1,"ended":"exit"}',
        b'{"kind":"finding","ts":1}',
        b'{"kind":"settled","ts":1,"serial":"x"}',
        b"{}",
        b"[]",
        b"",
    ],
)
def test_a_sinkhole_cannot_speak_for_another_source(line):
    with pytest.raises(msgspec.DecodeError):
        wire.decode_record(line)


@given(st.binary(max_size=200))
def test_any_line_is_a_record_or_an_error(line):
    try:
        wire.decode_record(line)
    except msgspec.DecodeError:
        return
    pytest.fail("random bytes are no record")


def test_the_largest_payload_fits_a_line():
    for byte in (b"\x00", b"\xff"):  # the longest escape, and base64
        event = Datagram(
            ts=1 << 62, protocol="udp", client="c", address="a", data=octets(byte * 65_535)
        )
        assert len(wire.encode(event)) < limits.LINE
