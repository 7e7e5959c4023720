"""The reassembler: in order it joins, otherwise it gives back; nothing is lost, all is bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture.sinkhole.fragments import LONGEST, UNFINISHED, Fragment, Reassembler


def part(payload: bytes, offset: int, more: bool, ident: int = 1) -> Fragment:
    return Fragment("192.0.2.1", "192.0.2.2", 17, payload, ident, offset, more)


def test_parts_in_order_become_one():
    table = Reassembler()
    assert table.add(part(b"a" * 8, 0, True)) == []
    assert table.add(part(b"b" * 8, 8, True)) == []
    (whole,) = table.add(part(b"c", 16, False))
    assert whole.payload == b"a" * 8 + b"b" * 8 + b"c"
    assert not whole.fragmented
    assert table.flush() == []


def test_a_gap_or_an_overlap_gives_back_what_there_is():
    for offset in (16, 0x1FF8, 4):
        table = Reassembler()
        table.add(part(b"a" * 8, 0, True))
        given_back = table.add(part(b"b" * 8, offset, True))
        assert [p.payload for p in given_back] == [b"a" * 8, b"b" * 8]


def test_interleaved_datagrams_do_not_mix():
    table = Reassembler()
    for ident in (1, 2):
        table.add(part(b"%d" % ident * 8, 0, True, ident))
    assert [p.payload for p in table.add(part(b"!", 8, False, 2))] == [b"22222222!"]
    assert [p.payload for p in table.add(part(b"?", 8, False, 1))] == [b"11111111?"]


def test_a_full_table_gives_back_the_oldest():
    table = Reassembler()
    given_back = [table.add(part(b"x" * 8, 0, True, ident)) for ident in range(UNFINISHED + 2)]
    assert [p.ident for batch in given_back for p in batch] == [0, 1]
    assert len(table.flush()) == UNFINISHED


def test_no_datagram_grows_beyond_the_longest():
    table = Reassembler()
    step = 32 << 10
    out = [p for i in range(8) for p in table.add(part(b"x" * step, i * step, True))]
    assert max(len(p.payload) for p in [*out, *table.flush()]) <= LONGEST


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.binary(max_size=9)), max_size=40))
def test_every_byte_that_came_in_comes_out_once(parts):
    table = Reassembler()
    out = [p for block, more, data in parts for p in table.add(part(data, block * 8, more))]
    out += table.flush()
    # A fragment of offset 0 that completes nothing is a datagram of its own.
    came = sum(len(data) for _, _, data in parts)
    assert sum(len(p.payload) for p in out) == came
