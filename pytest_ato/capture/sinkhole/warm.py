"""Everything that is loaded at first use, loaded before the privileges are gone.

Owns one rehearsal of each protocol: libraries import parts of themselves late, and the files may
be readable by root alone.
"""

from __future__ import annotations

from pytest_ato.capture.sinkhole.dns import Flow, Responder
from pytest_ato.capture.sinkhole.http import HttpServer

_HEADER = bytes.fromhex("000101000001000000000001")
_NAME = b"\x07example\x03com\x00"
_POINTER = b"\x01" + b"1" + b"\x01" + b"0" + b"\x02" + b"18" + b"\x03" + b"198"
_REVERSE = _POINTER + b"\x07in-addr\x04arpa\x00"
_EDNS = bytes.fromhex("00002904d0000000000000")


def up() -> None:
    """Answer one question of each kind and one request; the answers go nowhere."""
    responder = Responder(clock=lambda: 0)
    flow = Flow("192.0.2.1", 1, "192.0.2.53", "udp")
    for name, kind in ((_NAME, 1), (_NAME, 28), (_REVERSE, 12), (b"\x09localhost\x00", 28)):
        query = _HEADER + name + kind.to_bytes(2) + b"\x00\x01" + _EDNS
        assert responder.answer(query, flow).data
    assert responder.answer(b"\x00", flow).events
    assert HttpServer().receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").data
