"""Line protocols: a client gets as far as what it came to send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture.sinkhole.dialogues import BY_PORT, LineServer, greeting


def talk(port: int, *lines: bytes) -> list[bytes]:
    server = LineServer(BY_PORT[port])
    return [server.receive(line + b"\r\n").data for line in lines]


def test_a_mail_is_taken_to_its_end():
    replies = talk(
        25,
        b"EHLO x",
        b"MAIL FROM:<a@example>",
        b"RCPT TO:<b@example>",
        b"data",
        b"Subject: s",
        b"",
        b"QUIT is no command here",
        b".",
        b"QUIT",
    )
    codes = [reply[:3] for reply in replies]
    assert codes == [b"250", b"250", b"250", b"354", b"", b"", b"", b"250", b"221"]


def test_a_login_to_ftp_is_taken():
    codes = [r[:3] for r in talk(21, b"USER u", b"PASS p", b"PASV", b"TYPE I", b"QUIT")]
    assert codes == [b"331", b"230", b"425", b"200", b"221"]


def test_pop3_and_imap_logins_are_taken():
    assert talk(110, b"USER u", b"STAT", b"QUIT") == [b"+OK\r\n", b"+OK 0 0\r\n", b"+OK\r\n"]
    assert talk(143, b"a1 LOGIN u p", b"a2 LOGOUT") == [
        b"a1 OK completed\r\n",
        b"a2 OK completed\r\n",
    ]


def test_the_dialogue_ends_with_its_last_word():
    assert LineServer(BY_PORT[25]).receive(b"QUIT\r\nNOOP\r\n").close
    assert LineServer(BY_PORT[143]).receive(b"x logout\n").close


@pytest.mark.parametrize(("port", "begins"), [(21, b"220 "), (22, b"SSH-2.0-"), (25, b"220 ")])
def test_a_server_that_speaks_first_has_a_greeting(port, begins):
    assert greeting(port).startswith(begins)
    assert greeting(port).endswith(b"\r\n")


def test_other_ports_have_none():
    assert greeting(80) == greeting(4444) == b""


def test_an_endless_line_is_answered_and_not_kept():
    server = LineServer(BY_PORT[25])
    reply = server.receive(b"A" * 100_000)
    assert reply.data.startswith(b"250 ")
    assert len(server._buffer) < 5000


@given(st.sampled_from(sorted(BY_PORT)), st.lists(st.binary(max_size=100), max_size=8))
def test_any_bytes_are_taken(port, pieces):
    server = LineServer(BY_PORT[port])
    for piece in pieces:
        server.receive(piece)


@given(st.sampled_from(sorted(BY_PORT)), st.binary(max_size=200), st.integers(1, 7))
def test_lines_are_answered_alike_however_they_are_split(port, data, step):
    split = LineServer(BY_PORT[port])
    out = b""
    for at in range(0, len(data), step):
        reply = split.receive(data[at : at + step])
        out += reply.data
        if reply.close:
            break
    assert out == LineServer(BY_PORT[port]).receive(data).data
