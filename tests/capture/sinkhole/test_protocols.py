"""The choice of a protocol by first bytes and port."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture.sinkhole.dialogues import LineServer
from pytest_ato.capture.sinkhole.dns import DnsStream, Flow, Responder
from pytest_ato.capture.sinkhole.http import HttpServer
from pytest_ato.capture.sinkhole.protocols import Silent, TlsRefusal, choose

FLOW = Flow("192.0.2.1", 1, "192.0.2.2", "tcp")


@pytest.mark.parametrize(
    ("head", "port", "expected"),
    [
        (b"GET / HTTP/1.1\r\n", 80, HttpServer),
        (b"GET / HTTP/1.1\r\n", 53, HttpServer),
        (b"POST /x HTTP/1.1\r\n", 31337, HttpServer),
        (b"\x16\x03\x01\x02\x00\x01", 443, TlsRefusal),
        (b"\x16\x03", 8443, TlsRefusal),
        (b"\x00\x1d\x12\x34", 53, DnsStream),
        (b"EHLO x\r\n", 25, LineServer),
        (b"USER x\r\n", 21, LineServer),
        (b"\x16\x99", 443, Silent),
        (b"PRI * HTTP/2.0\r\n", 80, Silent),
        (b"*1\r\n$4\r\nPING\r\n", 6379, Silent),
        (b"G", 80, None),
        (b"\x16", 443, None),
    ],
)
def test_the_first_bytes_decide_then_the_port(head, port, expected):
    handler = choose(head, port, Responder(), FLOW)
    assert handler is None if expected is None else isinstance(handler, expected)


def test_a_client_hello_is_answered_with_a_fatal_alert():
    reply = TlsRefusal().receive(b"\x16\x03\x01")
    assert reply.close
    assert reply.data == b"\x15\x03\x03\x00\x02\x02\x28"


def test_a_silent_port_says_nothing():
    reply = Silent().receive(b"anything")
    assert (reply.data, reply.close, reply.events) == (b"", False, ())


@given(st.binary(min_size=16, max_size=64), st.integers(1, 65535))
def test_sixteen_bytes_are_always_enough(head, port):
    assert choose(head, port, Responder(), FLOW) is not None


@given(st.binary(min_size=1, max_size=64), st.integers(1, 65535))
def test_a_chosen_handler_takes_any_bytes(head, port):
    handler = choose(head, port, Responder(), FLOW)
    if handler is not None:
        handler.receive(head)
