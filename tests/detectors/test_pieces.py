"""Pieces: messages over connections of their own are joined without what surrounds them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.detectors import pieces as pieces_module
from pytest_ato.detectors.pieces import Pieces

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n\r\n"


def joined(messages: list[tuple[str, bytes]]) -> dict[str, tuple[bytes, ...]]:
    pieces = Pieces()
    for connection, (destination, data) in enumerate(messages):
        for at in range(0, len(data), 7):
            pieces.add(connection, destination, data[at : at + 7], 1, None)
    return {found.parent: found.texts for found in pieces.joined()}


def test_bare_pieces() -> None:
    assert joined([("a", b"one"), ("b", b"other"), ("a", b"two")]) == {"a": (b"onetwo",)}


def test_bodies_without_the_words_around_them() -> None:
    found = joined([("a", HEAD + b"part=one&"), ("a", HEAD + b"part=two&")])
    assert found == {"a": (b"onetwo",)}


def test_heads_without_the_words_around_them() -> None:
    names = (b"one", b"two")
    found = joined([("a", b"GET /?q=%b HTTP/1.1\r\nHost: a\r\n\r\n" % name) for name in names])
    assert found == {"a": (b"onetwo",)}


def test_equal_messages_are_no_pieces() -> None:
    assert joined([("a", HEAD), ("a", HEAD)]) == {"a": ()}


def test_a_long_connection_is_no_piece() -> None:
    long = b"x" * (pieces_module.MAX_MESSAGE + 1)
    assert joined([("a", long), ("a", b"one"), ("a", b"two")]) == {"a": (b"onetwo",)}


def test_floods_are_bounded(monkeypatch) -> None:
    monkeypatch.setattr(pieces_module, "MAX_MESSAGES", 3)
    assert joined([("a", b"%d" % number) for number in range(9)]) == {"a": (b"012",)}
    monkeypatch.setattr(pieces_module, "MAX_MESSAGES", 9)
    monkeypatch.setattr(pieces_module, "MAX_BYTES", 5)
    assert joined([("a", b"%d" % number) for number in range(9)]) == {"a": (b"01234",)}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.binary(max_size=40)), max_size=20))
def test_nothing_is_made_up(messages: list[tuple[str, bytes]]) -> None:
    for destination, texts in joined(messages).items():
        sent = sum(len(data) for to, data in messages if to == destination)
        assert sum(map(len, texts)) <= sent
