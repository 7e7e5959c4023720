"""DNS questions put together again, within bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.detectors import questions as questions_module
from pytest_ato.detectors.questions import Questions


def _joined(*names, parent="evil.example"):
    questions = Questions()
    for number, name in enumerate(names):
        questions.add(name, parent, number, None)
    return list(questions.joined())


def test_pieces_come_in_order_and_repeats_count_once():
    [joined] = _joined(b"0.aaaa.evil.example", b"0.aaaa.evil.example", b"1.bbbb.evil.example.")
    assert joined.texts == (b"0.aaaa.1.bbbb", b"aaaa.bbbb")
    assert (joined.parent, joined.ts) == ("evil.example", 0)


def test_one_name_is_left_to_the_search_of_names():
    assert _joined(b"aaaa.evil.example", b"evil.example") == []


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(questions_module, "MAX_NAMES", 10)
    monkeypatch.setattr(questions_module, "MAX_PARENTS", 10)
    monkeypatch.setattr(questions_module, "MAX_BYTES", 300)
    questions = Questions()
    for parent in range(50):
        for number in range(50):
            name = b"%d.p%d.example" % (number, parent)
            questions.add(name, f"p{parent}.example", 0, None)
    assert len(questions._parents) == 10
    assert sum(len(parent.names) for parent in questions._parents.values()) <= 100
    assert questions._bytes <= 300


@given(st.lists(st.binary(max_size=40), max_size=10), st.sampled_from(("", "a", "a.b", "a.b.c")))
def test_any_name_is_taken(names, parent):
    for joined in _joined(*names, parent=parent):
        assert joined.texts
