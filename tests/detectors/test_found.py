"""What is told of the values that searches found: once, as HTTP means it, in bounds."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ato.detectors import found as found_module
from pytest_ato.detectors.found import ELSEWHERE, Found, Source
from pytest_ato.detectors.tokens import Tokens
from pytest_ato.honeytokens.match import Hit

PLACE = "drop.example:443"


def hit(marker: str = "aws_secret", *encodings: str) -> Hit:
    return Hit(marker, "aws_credentials", "aws", encodings or ("raw",), 0)


def source(destination: str = PLACE, **fields: Any) -> Source:
    known = {"channel": "tcp", "process": None, "path": ("tcp",)}
    return Source(destination, **{**known, **fields})


@pytest.fixture
def found() -> Found:
    return Found(Tokens())


def test_hits_of_one_token_at_one_place_are_one_sighting(found: Found) -> None:
    found.add([hit(), hit("aws_id", "gzip", "base64")], source(), 1)
    [sighting] = found.all
    assert (sighting.count, list(sighting.markers)) == (2, ["aws_secret", "aws_id"])
    assert list(sighting.ways) == ["tcp", "tcp > gzip > base64"]
    assert sighting.evidence[0].text == f"sent: aws_secret (tcp) to {PLACE}"
    assert found.places == {("aws_credentials", PLACE)}
    assert found.carriers == {"aws_credentials"}


def test_a_layer_that_was_undone_already_is_named_once(found: Found) -> None:
    found.add([hit("aws_secret", "gzip")], source(path=("http body", "gzip")), 1)
    assert list(found.all[0].ways) == ["http body > gzip"]


def test_of_two_readings_of_a_connection_that_of_http_is_told(found: Found) -> None:
    as_sent = source(connection=1)
    found.add([hit("aws_secret", "url"), hit("aws_id")], as_sent, 1)
    assert found.all == ()  # it waits for what HTTP makes of it
    found.add([hit()], source(connection=1, meant=True, path=("http body",)), 2)
    found.release(1)
    [sighting] = found.all
    assert list(sighting.ways) == ["http body", "tcp"]
    assert sighting.count == 2


def test_what_still_waits_at_the_end_is_told(found: Found) -> None:
    for connection in (1, 2):
        found.add([hit()], source(f"{connection}.example:80", connection=connection), 1)
    found.release_all()
    assert [sighting.destination for sighting in found.all] == ["1.example:80", "2.example:80"]


def test_unsearched_data_is_noted_once_a_destination_if_it_left(found: Found) -> None:
    found.leave(source(channel="output"), 1, "it is long")
    assert found.unsearched == ()
    found.leave(source(), 1, "it is long")
    found.leave(source(), 2, "it is packed")
    assert [(each.ts, each.why) for each in found.unsearched] == [(1, "it is long")]


def test_destinations_beyond_the_bound_are_told_together(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found_module, "MAX_SIGHTINGS", 2)
    for number in range(4):
        found.add([hit()], source(f"{number}.example:80"), 1)
    assert [(each.destination, each.count) for each in found.all] == [
        ("0.example:80", 1),
        ("1.example:80", 1),
        (ELSEWHERE, 2),
    ]


def test_hits_beyond_the_bound_do_not_wait(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found_module, "MAX_HELD", 1)
    found.add([hit(), hit("aws_id")], source(connection=1), 1)
    assert list(found.all[0].markers) == ["aws_id"]
