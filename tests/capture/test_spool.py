from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture.loader.maps import Batch
from pytest_ato.capture.spool import Spool

BATCHES = st.builds(
    Batch, st.integers(0, 1 << 63), st.booleans(), st.binary(max_size=99), st.binary(max_size=99)
)


@given(
    steps=st.lists(st.one_of(st.none(), BATCHES)),
    memory=st.integers(0, 200),
)
def test_first_in_first_out_through_memory_and_disk(steps: list[Batch | None], memory: int) -> None:
    spool, expected = Spool(memory), []
    for step in steps:
        if step is None:
            assert spool.get() == (expected.pop(0) if expected else None)
        else:
            spool.put(step)
            expected.append(step)
        assert bool(spool) == bool(expected)
    while expected:
        assert spool.get() == expected.pop(0)
    assert spool.get() is None
    spool.close()
