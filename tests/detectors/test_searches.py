"""Many streams under search at once: each apart, and equal ones decoded once."""

from __future__ import annotations

import base64
import gzip

import pytest

from pytest_ato.detectors.searches import Searches
from pytest_ato.detectors.tokens import Tokens
from pytest_ato.honeytokens import match
from pytest_ato.model.events import Honeytoken

SECRET = b"wJq3XtBnFEm7K1MDnGzbPxRciCYq0EXAMPvKeyZz"


@pytest.fixture
def searches() -> Searches:
    tokens = Tokens()
    tokens.update(
        Honeytoken(ts=1, name="aws", family="aws", markers={"aws_secret": SECRET.decode()})
    )
    return Searches(tokens)


def test_a_value_over_two_pieces_of_one_stream(searches: Searches) -> None:
    assert searches.feed("a", SECRET[:15]) == []
    assert searches.feed("b", SECRET[15:30]) == []  # of another stream
    [hit] = searches.feed("a", SECRET[15:])
    assert (hit.marker, hit.encodings) == ("aws_secret", ("raw",))
    assert searches.close("a").size == len(SECRET)


def test_what_is_packed_shows_at_the_end(searches: Searches) -> None:
    packed = base64.b64encode(gzip.compress(SECRET))
    assert searches.feed("a", packed) == []
    closed = searches.close("a")
    assert [hit.encodings for hit in closed.hits] == [("base64", "gzip")]
    assert not closed.cut_short


def test_the_open_ones_are_known_in_their_order(searches: Searches) -> None:
    for key in ("a", "b", "a"):
        searches.feed(key, b"x")
    assert (len(searches), searches.oldest, searches.keys) == (2, "a", ("a", "b"))
    searches.close("a")
    assert "a" not in searches
    assert searches.oldest == "b"


def test_equal_streams_without_a_value_are_decoded_once(
    searches: Searches, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []
    close = match.Stream.close

    def counted(stream: match.Stream) -> list[match.Hit]:
        decoded.append(stream)
        return close(stream)

    monkeypatch.setattr(match.Stream, "close", counted)
    packed = gzip.compress(SECRET)
    for content, times in ((b"nothing", 1), (packed, 2)):
        decoded.clear()
        for _ in range(2):
            searches.feed("a", content)
            found = searches.close("a")
        assert len(decoded) == times
        assert bool(found.hits) is (content == packed)
