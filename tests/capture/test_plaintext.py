"""Records of TLS libraries' probes, made by hand, and the plaintext that they come to."""

from __future__ import annotations

import pytest

from pytest_ato.capture import abi
from pytest_ato.capture.canary import Uprobe
from pytest_ato.capture.plaintext import KEPT, Plaintext
from pytest_ato.model.events import Tls
from pytest_ato.model.octets import raw
from pytest_ato.model.record import Event

OPENSSL_WRITE = abi.TLS_OPENSSL | abi.TLS_INT | abi.TLS_WRITES
OPENSSL_READ = abi.TLS_OPENSSL | abi.TLS_INT
GNUTLS_WRITE = abi.TLS_GNUTLS | abi.TLS_SIZE | abi.TLS_WRITES
CANARY = abi.TLS_CANARY | abi.TLS_INT | abi.TLS_WRITES
HANDLE, PID = 0x7F00, 40


class Records:
    """Writes records with times that go up."""

    def __init__(self) -> None:
        self.list: list[bytes] = []
        self.plaintext = Plaintext()
        self._clock = 0

    def add(self, what: int, size: int, data: bytes = b"", **fields: int) -> Records:
        self._clock += 1
        head = (self._clock, fields.get("pid", PID), 41, abi.TLS, fields.get("flags", 0))
        body = (
            fields.get("handle", HANDLE),
            fields.get("call", 1),
            fields.get("cookie", 0),
            size,
            fields.get("at", 0),
            fields.get("fd", -1),
            len(data),
            fields.get("function", OPENSSL_WRITE),
            what,
        )
        self.list.append(abi.TLS_LAYOUT.format.pack(*head, *body) + data.ljust(128, b"\xee"))
        return self

    def out(self, data: bytes, **fields: int) -> Records:
        return self.add(abi.TLS_OUT, fields.pop("size", len(data)), data, **fields)

    def done(self, size: int, **fields: int) -> Records:
        return self.add(abi.TLS_DONE, size, **fields)

    def wrote(self, data: bytes, size: int, **fields: int) -> Records:
        return self.add(abi.TLS_WROTE, size, data, at=len(data), call=0, **fields)

    def read(self, data: bytes, **fields: int) -> Records:
        fields.setdefault("function", OPENSSL_READ)
        return self.add(abi.TLS_IN, fields.pop("size", len(data)), data, **fields)

    def events(self) -> list[Event]:
        found = list(self.plaintext.decode(self.list))
        self.list = []
        return found

    def told(self) -> list[tuple[int, str, int, bytes, int]]:
        return [
            (one.stream, one.direction, one.offset, raw(one.data), one.size)
            for one in self.events()
            if isinstance(one, Tls)
        ]


def test_a_write_is_told_when_it_has_returned_with_its_socket() -> None:
    records = Records().out(b"hello")
    assert records.events() == []
    (event,) = records.done(5, fd=7, cookie=99).events()
    assert event == Tls(
        ts=2, via="openssl", stream=1, direction="out", data="hello", size=5, pid=PID, tid=41,
        fd=7, cookie=99,
    )  # fmt: skip


def test_small_writes_in_a_row_are_one_and_directions_stay_apart() -> None:
    records = Records()
    for number in range(3):
        records.out(b"ab", call=number).done(2, call=number)
    records.read(b"xyz", call=9)
    records.out(b"c", call=10).done(1, call=10)
    assert records.told() == [
        (1, "out", 0, b"ababab", 6),
        (1, "in", 0, b"xyz", 3),
        (1, "out", 6, b"c", 1),
    ]


def test_a_write_that_would_block_counts_once_and_one_that_fails_never() -> None:
    records = Records().out(b"once", call=1).done(-1, call=1)
    records.out(b"once", call=2).done(4, call=2)
    records.out(b"never", call=3).done(-1, call=3)
    assert records.told() == [(1, "out", 0, b"once", 4)]


def test_of_a_partial_write_only_what_was_taken_is_told() -> None:
    assert Records().out(b"abcdef").done(4).told() == [(1, "out", 0, b"abcd", 4)]


def test_a_small_write_is_told_with_its_result_in_one_record() -> None:
    records = Records().wrote(b"hello", 5).wrote(b"again", 3).wrote(b"never", -1)
    assert records.told() == [(1, "out", 0, b"helloaga", 8)]
    records.wrote(b"kept", -28, function=GNUTLS_WRITE).wrote(b"", 4, function=GNUTLS_WRITE)
    assert records.told() == [(2, "out", 0, b"kept", 4)]


def test_pieces_of_one_call_are_put_together_and_a_gap_is_a_number() -> None:
    size = 3 * abi.CHUNK
    records = Records().out(b"A", size=size)
    records.out(b"C", size=size, at=2 * abi.CHUNK)  # the ring had no room for the second
    told = records.done(size).told()
    assert [(offset, data, size) for _, _, offset, data, size in told] == [
        (0, b"A", 2 * abi.CHUNK),
        (2 * abi.CHUNK, b"C", abi.CHUNK),
    ]


def test_gnutls_keeps_the_bytes_of_a_write_that_would_block() -> None:
    records = Records().out(b"kept", function=GNUTLS_WRITE).done(-28, function=GNUTLS_WRITE)
    records.out(b"", call=2, function=GNUTLS_WRITE).done(4, call=2, function=GNUTLS_WRITE)
    assert records.told() == [(1, "out", 0, b"kept", 4)]


def test_a_write_within_a_write_is_told_once_unless_the_outer_never_returns() -> None:
    records = Records().out(b"x", call=1).out(b"x", call=2, flags=abi.F_NESTED).done(1, call=1)
    assert records.told() == [(1, "out", 0, b"x", 1)]
    records.out(b"y", call=3).out(b"z", call=4, flags=abi.F_NESTED)
    assert records.told() == []
    (event,) = records.plaintext.finish(now=77)
    assert isinstance(event, Tls)
    assert (event.ts, event.data) == (77, "yz")


def test_a_handle_that_is_given_back_or_on_another_socket_is_another_stream() -> None:
    records = Records().out(b"a", call=1).done(1, call=1, cookie=5)
    records.add(abi.TLS_CLOSED, 0)
    records.out(b"b", call=2).done(1, call=2, cookie=6)
    records.out(b"c", call=3, cookie=7).done(1, call=3, cookie=7)
    events = [event for event in records.events() if isinstance(event, Tls)]
    assert [(one.stream, one.data, one.cookie, one.closed) for one in events] == [
        (1, "a", 5, False),
        (1, "", 5, True),
        (2, "b", 6, False),
        (3, "c", 7, False),
    ]


def test_what_nobody_knows_is_given_back_in_silence() -> None:
    assert Records().add(abi.TLS_CLOSED, 0).events() == []


def test_the_socket_of_what_went_into_memory_is_told_afterwards() -> None:
    records = Records().out(b"a").done(1)
    (first,) = records.events()
    (second,) = records.add(abi.TLS_SOCKET, 0, cookie=12, fd=3).events()
    assert isinstance(first, Tls)
    assert isinstance(second, Tls)
    assert (first.cookie, second.cookie, second.size, second.stream) == (0, 12, 0, 1)


def test_a_piece_that_could_not_be_read_is_a_number() -> None:
    assert Records().read(b"", size=50).told() == [(1, "in", 0, b"", 50)]


def test_what_goes_beyond_the_bound_of_a_stream_is_a_number() -> None:
    records = Records()
    size = 1 << 24
    for call in range(6):
        records.add(abi.TLS_OUT, size, call=call).done(size, call=call)
    assert sum(len(data) for *_, data, _ in records.told()) == 0
    assert 4 * size == KEPT
    told = records.out(b"late", call=9).done(4, call=9).told()
    assert told == [(1, "out", 6 * size, b"", 4)]


def test_what_was_only_counted_is_joined_and_apart_from_what_is_told() -> None:
    records = Records().read(b"first")
    for _ in range(100):
        records.add(abi.TLS_COUNTED, 100_000, function=OPENSSL_READ)
    records.read(b"last")
    told = records.told()
    assert told[0][3:] == (b"first", 100_005)
    assert told[-1][2:] == (10_000_005, b"last", 4)
    assert sum(size for *_, size in told) == 10_000_009
    assert len(told) < 15
    assert [offset for _, _, offset, _, _ in told] == sorted({offset for *_, offset, _, _ in told})


def test_a_return_whose_pieces_were_lost_is_a_number() -> None:
    assert Records().done(5).told() == [(1, "out", 0, b"", 5)]


def test_writes_that_do_not_return_are_not_held_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_ato.capture.plaintext._UNRETURNED", 10)
    records = Records().out(b"12345678", call=1).out(b"abcdefgh", call=2)
    assert records.told() == [(1, "out", 0, b"12345678", 8)]
    assert records.done(8, call=1).told() == []
    assert records.done(8, call=2).told() == [(1, "out", 8, b"abcdefgh", 8)]


def test_the_canary_is_no_plaintext() -> None:
    records = Records().out(b"nonce", function=CANARY).done(5, function=CANARY)
    probes = [event.probe for event in records.events() if isinstance(event, Uprobe)]
    assert probes == ["tls_enter", "tls_leave"]
    probes = [
        event.probe
        for event in Records().wrote(b"nonce", 5, function=CANARY).events()
        if isinstance(event, Uprobe)
    ]
    assert probes == ["tls_enter", "tls_leave"]
