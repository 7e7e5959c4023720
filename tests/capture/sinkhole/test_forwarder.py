"""Questions of an open network: passed on where they are allowed, else refused here."""

from __future__ import annotations

import asyncio

import dns.message
import dns.rcode
import pytest

from pytest_ato.capture.sinkhole import forwarder
from pytest_ato.capture.sinkhole.dns import Flow
from pytest_ato.capture.sinkhole.forwarder import Forwarder

FLOW = Flow("192.0.2.2", 4000, "192.0.2.53", "udp")


class Resolver(asyncio.DatagramProtocol):
    """Answers each question that there is nothing, and keeps its name."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        query = dns.message.from_wire(data)
        self.asked.append(str(query.question[0].name))
        self.transport.sendto(dns.message.make_response(query).to_wire(), addr)


def ask(monkeypatch: pytest.MonkeyPatch, wire: bytes, names: tuple[str, ...] | None):
    async def run():
        loop = asyncio.get_running_loop()
        resolver = Resolver()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: resolver, local_addr=("127.0.0.1", 0)
        )
        monkeypatch.setattr(forwarder, "PORT", transport.get_extra_info("sockname")[1])
        reply = await Forwarder(lambda: True, "127.0.0.1", names).ask(wire, FLOW)
        transport.close()
        return resolver.asked, reply

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("names", "name", "is_asked"),
    [
        (None, "any.example", True),
        (("a.example",), "a.example", True),
        (("a.example",), "A.Example", True),
        (("a.example",), "x.a.example", False),
        (("*.a.example",), "x.y.a.example", True),
        (("*.a.example",), "a.example", False),
        (("a.example",), "a.example.evil.example", False),
        ((), "a.example", False),
    ],
)
def test_a_name_is_asked_for_if_it_is_allowed(monkeypatch, names, name, is_asked) -> None:
    asked, reply = ask(monkeypatch, dns.message.make_query(name, "A").to_wire(), names)
    assert asked == ([f"{name}."] if is_asked else [])
    answer = dns.message.from_wire(reply.data)
    assert answer.rcode() == (dns.rcode.NOERROR if is_asked else dns.rcode.REFUSED)
    assert [event.rcode for event in reply.events] == ["NOERROR" if is_asked else "REFUSED"]


@pytest.mark.parametrize("wire", [b"", b"\0" * 11, b"\xff" * 40])
def test_what_is_no_question_is_not_passed_on(monkeypatch, wire: bytes) -> None:
    asked, reply = ask(monkeypatch, wire, None)
    assert asked == []
    assert reply.events[0].rcode == "FORMERR"


def test_a_message_without_a_question_is_not_passed_on_where_names_count(monkeypatch) -> None:
    asked, _ = ask(monkeypatch, dns.message.Message().to_wire(), ("a.example",))
    assert asked == []
