"""Any file whatever is read as a log: a line that is no record is one that was lost."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_ato.eventlog import read_log
from pytest_ato.model import events as ev

FORK = b'{"kind":"fork","ts":1,"pid":2,"child":3}'
NESTED = b'{"kind":"fork","x":' + b"[" * 100_000


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b'{"kind":"\xff"}',
        b'{"kind":"fork","\xff":1}',
        NESTED,
        FORK.replace(b":1", b":1" + b"0" * 400),
        FORK.replace(b":1", b":1" + b"0" * 5000),
        FORK.replace(b":1", b":-9223372036854775809"),
    ],
    ids=["empty", "list", "kind", "name", "nested", "large", "larger", "negative"],
)
def test_what_is_no_record_is_told_in_its_place(tmp_path, line):
    path = tmp_path / "log"
    path.write_bytes(FORK + b"\n" + line + b"\n" + FORK)
    first, lost, last = read_log(path)
    assert first == last == ev.Fork(ts=1, pid=2, child=3)
    assert isinstance(lost, ev.Lost)
    assert lost.reason.startswith("line 2 is not a record")


@settings(max_examples=100)
@example(NESTED)
@given(
    st.binary(max_size=200)
    | st.lists(
        st.binary(max_size=4) | st.sampled_from([FORK, b"1e999", b"[", b'{"ts":', b"\n", b"-9"]),
        max_size=8,
    ).map(b"".join)
)
def test_any_bytes_are_events_or_lost(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any-log"
    path.write_bytes(content)
    assert all(isinstance(each, ev.Lost | ev.Fork) for each in read_log(path))
