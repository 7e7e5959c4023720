"""What the probes see of each way of speaking TLS, in one real audit."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from pytest_ato.audit import Outcome
from pytest_ato.model.events import Connect, End, Tls, Watched
from pytest_ato.model.octets import raw

pytestmark = pytest.mark.privileged

ROWS = {
    "curl": "openssl",
    "wget": "gnutls",
    "s_client": "openssl",
    "gnutls-cli": "gnutls",
    "tstclnt": "nss",
    "node": "openssl",
    "python": "openssl",
    "asyncio": "openssl",
    "static": "openssl",
    "local": "openssl",
    "paged": "openssl",
    "old-openssl": "openssl",
    "go-plain": "go",
    "go-stripped": "go",
    "old-go": "go",
    "dropped": "go",
    "late": "openssl",
}
LATE = ("first", "early")
"""Asked by a client that nobody could know of before it ran, right after its start."""

CALLED_BACK = (
    "jumps-away", "after-it", "thread-ends", "killed", "overwritten", "outer", "inner", "retried"
)  # fmt: skip
"""Written by a program whose own function the library calls in the middle of the write."""


@pytest.fixture(scope="module")
def pieces(outcome: Outcome) -> list[Tls]:
    return [event for event in outcome.events() if isinstance(event, Tls)]


def clients(pieces: list[Tls], name: str) -> list[Tls]:
    """All pieces of the connection on which a client asked for `name`."""
    wanted = f" /{name}/ ".encode()
    for piece in pieces:
        if piece.direction == "out" and wanted in raw(piece.data):
            return [one for one in pieces if one.stream == piece.stream]
    return []


def received(pieces: list[Tls], name: str) -> bool:
    """Whether the server got what was asked under `name`."""
    wanted = f" /{name}/ ".encode()
    return any(wanted in raw(one.data) for one in pieces if one.direction == "in")


@pytest.mark.parametrize(("name", "via"), ROWS.items())
def test_a_row_of_the_matrix(outcome: Outcome, pieces: list[Tls], name: str, via: str) -> None:
    own = clients(pieces, name)
    assert {piece.via for piece in own} == {via}, outcome.stderr
    sent = b"".join(raw(piece.data) for piece in own if piece.direction == "out")
    assert sent.count(b"GET ") == 1  # also where a function calls another of its library
    assert own[0].offset == 0
    cookies = {piece.cookie for piece in own if piece.cookie}
    connected = {
        event.cookie
        for event in outcome.events()
        if isinstance(event, Connect) and event.source == "kernel" and event.pid == own[0].pid
    }
    assert len(cookies) == 1
    assert cookies <= connected


@pytest.mark.parametrize("name", sorted(ROWS.keys() - {"node", "tstclnt", "s_client", "old-go"}))
def test_answers_are_seen(pieces: list[Tls], name: str) -> None:
    read = b"".join(raw(one.data) for one in clients(pieces, name) if one.direction == "in")
    assert read.endswith(b"pong")


def test_a_library_without_symbols_is_not_seen(pieces: list[Tls]) -> None:
    assert clients(pieces, "hidden") == []
    # ... though it was sent: the server's library is watched
    assert received(pieces, "hidden")


@pytest.mark.parametrize("name", LATE)
def test_what_comes_before_the_file_is_watched_is_seen_whole_or_not_at_all(
    pieces: list[Tls], name: str
) -> None:
    sent = b"".join(raw(one.data) for one in clients(pieces, name) if one.direction == "out")
    assert sent in (b"", b"GET /%s/ HTTP/1.0\r\n\r\n" % name.encode())
    assert received(pieces, name)


@pytest.mark.parametrize(
    ("name", "size", "rest"), [("odd", 1 << 20, 13), ("single", 2000, 16), ("large", 5_000_000, 15)]
)
def test_an_upload_is_seen_byte_for_byte(
    pieces: list[Tls], name: str, size: int, rest: int
) -> None:
    sent = [piece for piece in clients(pieces, name) if piece.direction == "out"]
    assert sum(piece.size for piece in sent) == size + rest
    assert [piece.offset for piece in sent[1:]] == [one.offset + one.size for one in sent[:-1]]
    data = b"".join(raw(piece.data) for piece in sent)
    assert len(data) == size + rest  # 0.999 were enough; nothing was lost here
    if name == "odd":
        source = random.Random(7)
        left, expected = size, b""
        sizes = []
        while left:
            sizes.append(min(left, source.randrange(1, 9999, 2)))
            left -= sizes[-1]
        expected = b"".join(source.randbytes(one) for one in sizes)
        assert data[rest:] == expected


def test_of_one_call_with_very_much_the_rest_is_a_number_and_said_to_be(
    outcome: Outcome, pieces: list[Tls]
) -> None:
    sent = [piece for piece in clients(pieces, "giant") if piece.direction == "out"]
    assert sum(piece.size for piece in sent) == (17 << 20) + 15
    assert sum(len(raw(piece.data)) for piece in sent) == (16 << 20) + 15
    assert outcome.report.coverage.counters["plain"].truncated == 1


@pytest.mark.parametrize("name", CALLED_BACK)
def test_a_write_is_seen_once_whatever_happens_within(pieces: list[Tls], name: str) -> None:
    sent = b"".join(raw(one.data) for one in pieces if one.direction == "out")
    assert sent.count(f"GET /{name}/ ".encode()) == 1


def test_who_is_outside_of_the_audit_is_not_seen_with_the_same_library(pieces: list[Tls]) -> None:
    assert not any(b"/outside/" in raw(piece.data) for piece in pieces)


def test_the_counts_of_plaintext_add_up(outcome: Outcome) -> None:
    (end,) = (event for event in outcome.events() if isinstance(event, End))
    counts = end.counters["plain"]
    assert counts.produced == counts.consumed > 0
    assert (counts.lost, counts.unread) == (0, 0)
    assert outcome.report.conclusive


def test_files_are_told_with_how_they_are_watched(outcome: Outcome) -> None:
    watched: dict[str, list[Watched]] = defaultdict(list)
    for event in outcome.events():
        if isinstance(event, Watched):
            watched[raw(event.path).decode()].append(event)
    before = {name for name, (event, *_) in watched.items() if not event.late}
    late = {name for name, (event, *_) in watched.items() if event.late and event.functions}
    assert {"/srv/static", "/srv/local", "/srv/go-plain", "/srv/go-stripped"} <= before
    assert late == {"/tmp/dropped", "/tmp/lib/renamed"}
    assert all(len(events) == 1 for events in watched.values())
    system = next(
        events[0] for name, events in watched.items() if "/usr/" in name and "ssl" in name
    )
    assert system.functions["SSL_write"] == "emulated"
    assert "/srv/hidden" not in watched


def test_a_library_that_cannot_be_watched_is_said(outcome: Outcome) -> None:
    problems = {
        event.path: event.problem for event in outcome.events() if isinstance(event, Watched)
    }
    assert problems["/srv/libgnutls.so.99"] == (
        "none of the functions of its library were found in it"
    )
    assert problems["/srv/libssl.so.9"].startswith("it is no ELF file that can be read")
