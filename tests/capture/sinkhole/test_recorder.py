"""The recorder: pieces in order, whole counts, and every bound reported."""

from __future__ import annotations

import pytest

from pytest_ato.capture.sinkhole import limits
from pytest_ato.capture.sinkhole.packets import Packet
from pytest_ato.capture.sinkhole.recorder import Recorder, TcpRecord
from pytest_ato.model.events import Datagram, Lost, Tcp
from pytest_ato.model.octets import raw
from pytest_ato.model.record import Event


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def recorder(events) -> Recorder:
    return Recorder(events.append)


def connect(recorder: Recorder) -> TcpRecord:
    return recorder.connection(("192.0.2.1", 1000), ("203.0.113.1", 80))


def joined(events: list[Event], connection: int, direction: str) -> bytes:
    data = b""
    for event in events:
        if isinstance(event, Tcp) and (event.connection, event.direction) == (
            connection,
            direction,
        ):
            if event.closed:
                continue
            assert event.offset == len(data)
            data += raw(event.data)
    return data


def test_both_directions_are_recorded_in_order_with_whole_counts(recorder, events):
    record = connect(recorder)
    record.out(b"request")
    record.into(b"reply")
    record.out(b"\xff\xfe")
    record.end()
    assert joined(events, 1, "out") == b"request\xff\xfe"
    assert joined(events, 1, "in") == b"reply"
    last = events[-1]
    assert isinstance(last, Tcp)
    assert (last.closed, last.sent, last.received) == (True, 9, 5)


def test_connections_are_numbered(recorder, events):
    for _ in range(3):
        connect(recorder).end()
    assert [e.connection for e in events if isinstance(e, Tcp)] == [1, 2, 3]


def test_a_long_connection_is_cut_and_counted_whole(recorder, events):
    record = connect(recorder)
    block = b"x" * 100_000
    for _ in range(20):
        record.out(block)
        record.into(block)
    record.end()
    assert len(joined(events, 1, "out")) == limits.TCP_OUT
    assert len(joined(events, 1, "in")) == limits.TCP_IN
    assert events[-1].sent == events[-1].received == 2_000_000
    assert all(len(raw(e.data)) <= limits.PIECE for e in events)
    recorder.finish()
    assert not [e for e in events if isinstance(e, Lost)]


def test_what_all_connections_may_use_is_bounded_and_reported(recorder, events, monkeypatch):
    monkeypatch.setattr(limits, "TCP_TOTAL", 1000)
    for _ in range(3):
        record = connect(recorder)
        record.out(b"x" * 400)
        record.end()
    recorder.finish()
    assert sum(len(raw(e.data)) for e in events if isinstance(e, Tcp)) == 1000
    lost = events[-1]
    assert isinstance(lost, Lost)
    assert lost.count == 200
    assert "200 bytes of TCP connections" in lost.reason


def test_packets_beyond_the_bound_are_reported(recorder, events, monkeypatch):
    monkeypatch.setattr(limits, "DATAGRAMS", 2)
    for _ in range(5):
        recorder.packet(Packet("udp", "192.0.2.1", "192.0.2.2", 3, b"abc", 1, 2))
    recorder.finish()
    assert [type(e) for e in events] == [Datagram, Datagram, Lost]
    assert events[-1].count == 3


def test_payload_of_packets_beyond_the_bound_is_reported(recorder, events, monkeypatch):
    monkeypatch.setattr(limits, "DATAGRAM_TOTAL", 4)
    for _ in range(2):
        recorder.packet(Packet("udp", "192.0.2.1", "192.0.2.2", 3, b"abc", 1, 2))
    recorder.finish()
    first, second, lost = events
    assert (raw(first.data), raw(second.data), second.size) == (b"abc", b"a", 3)
    assert lost.count == 2


def test_questions_beyond_the_bound_are_reported(recorder, events, monkeypatch):
    monkeypatch.setattr(limits, "QUESTIONS", 1)
    assert [recorder.allow_question() for _ in range(3)] == [True, False, False]
    recorder.finish()
    (lost,) = events
    assert lost.count == 2


def test_answers_are_bounded_and_none_of_it_is_a_loss(recorder, events, monkeypatch):
    monkeypatch.setattr(limits, "ANSWERS", 100)
    assert [recorder.allow_answer(60) for _ in range(3)] == [True, False, False]
    recorder.finish()
    assert events == []


def test_a_loss_is_reported_once(recorder, events):
    recorder.lost("things", 2)
    recorder.lost("things", 0)
    recorder.finish()
    recorder.finish()
    (lost,) = events
    assert (lost.source, lost.count) == ("sinkhole", 2)
