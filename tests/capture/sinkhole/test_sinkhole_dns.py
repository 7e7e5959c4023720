"""The DNS responder: what is answered, what is recorded, and that no bytes can hurt it."""

from __future__ import annotations

import base64

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture.sinkhole import limits
from pytest_ato.capture.sinkhole.dns import DnsStream, Flow, Names, Responder
from pytest_ato.capture.sinkhole.reply import Reply
from pytest_ato.model.events import Datagram, Dns
from pytest_ato.model.octets import raw

UDP = Flow("192.0.2.10", 40000, "203.0.113.53", "udp")
TCP = Flow("192.0.2.10", 40000, "203.0.113.53", "tcp")


def ask(responder: Responder, name: str, kind: str = "A") -> tuple[dns.message.Message, Dns]:
    query = dns.message.make_query(name, kind)
    reply = responder.answer(query.to_wire(), UDP)
    (event,) = reply.events
    assert isinstance(event, Dns)
    response = dns.message.from_wire(reply.data)
    assert query.is_response(response)
    return response, event


def addresses(response: dns.message.Message) -> list[str]:
    return [str(item) for rrset in response.answer for item in rrset]


def test_every_name_has_its_own_address_in_order_of_first_question():
    responder = Responder()
    names = ["a.example", "b.example", "A.EXAMPLE", "c.example", "b.example"]
    given_out = [addresses(ask(responder, name)[0]) for name in names]
    assert given_out == [
        ["198.18.0.1"],
        ["198.18.0.2"],
        ["198.18.0.1"],
        ["198.18.0.3"],
        ["198.18.0.2"],
    ]


def test_no_address_ends_in_0_or_255_and_none_is_given_twice():
    names = Names()
    given_out = [names.address(dns.name.from_text(f"n{i}.example.")) for i in range(600)]
    assert len(set(given_out)) == 600
    assert not {a.rsplit(".", 1)[1] for a in given_out} & {"0", "255"}
    assert given_out[254] == "198.18.1.1"


def test_names_beyond_the_bound_share_one_address(monkeypatch):
    monkeypatch.setattr(limits, "NAMES", 2)
    names = Names()
    given_out = [names.address(dns.name.from_text(f"n{i}.example.")) for i in range(4)]
    assert given_out[2] == given_out[3] == "198.19.255.254"
    assert len(set(given_out)) == 3


def test_the_event_says_who_asked_whom_what_and_what_was_answered():
    responder = Responder(clock=lambda: 77)
    _, event = ask(responder, "WwW.Example.com")
    assert event == Dns(
        ts=77,
        client="192.0.2.10",
        client_port=40000,
        server="203.0.113.53",
        transport="udp",
        qname="WwW.Example.com",
        qtype="A",
        rcode="NOERROR",
        answers=("198.18.0.1",),
    )


def test_an_address_maps_back_to_its_name_and_others_do_not():
    responder = Responder()
    ask(responder, "back.example")
    found, _ = ask(responder, str(dns.reversename.from_address("198.18.0.1")), "PTR")
    assert addresses(found) == ["back.example."]
    for pointer in ("198.18.0.9", "203.0.113.1", "2001:db8::1"):
        missing, event = ask(responder, str(dns.reversename.from_address(pointer)), "PTR")
        assert missing.rcode() == dns.rcode.NXDOMAIN
        assert event.rcode == "NXDOMAIN"
    malformed, _ = ask(responder, "x.in-addr.arpa", "PTR")
    assert malformed.rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize("kind", ["AAAA", "TXT", "MX", "NS", "SRV", "SOA", "HTTPS", "TYPE65280"])
def test_other_types_have_an_empty_answer(kind):
    response, event = ask(Responder(), "a.example", kind)
    assert response.rcode() == dns.rcode.NOERROR
    assert not response.answer
    assert event.qtype == kind
    assert event.answers == ()


def test_localhost_is_the_host_itself():
    responder = Responder()
    assert addresses(ask(responder, "localhost")[0]) == ["127.0.0.1"]
    assert addresses(ask(responder, "db.localhost")[0]) == ["127.0.0.1"]
    assert addresses(ask(responder, "localhost", "AAAA")[0]) == ["::1"]


def test_other_classes_are_refused_and_other_opcodes_not_implemented():
    responder = Responder()
    chaos = dns.message.make_query("version.bind", "TXT", "CH")
    assert dns.message.from_wire(responder.answer(chaos.to_wire(), UDP).data).rcode() == 5
    notify = dns.message.make_query("a.example", "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    reply = responder.answer(notify.to_wire(), UDP)
    assert dns.message.from_wire(reply.data).rcode() == dns.rcode.NOTIMP
    assert [type(event) for event in reply.events] == [Dns]


def test_an_edns_question_has_an_edns_answer():
    query = dns.message.make_query("a.example", "A", use_edns=0, payload=4096)
    reply = Responder().answer(query.to_wire(), UDP)
    assert dns.message.from_wire(reply.data).edns == 0
    assert len(reply.events) == 1


def test_a_message_beside_the_question_is_recorded_whole():
    query = dns.message.make_query("a.example", "A")
    secret = base64.b16encode(b"exfiltrated").decode()
    query.additional.append(dns.rrset.from_text("x.example.", 1, "IN", "TXT", secret))
    option = dns.message.make_query(
        "a.example", "A", options=[dns.edns.GenericOption(65001, b"exfiltrated")]
    )
    for message in (query, option):
        wire = message.to_wire()
        question, whole = Responder().answer(wire, UDP).events
        assert isinstance(question, Dns)
        assert question.rcode == "NOERROR"
        assert isinstance(whole, Datagram)
        assert (whole.port, whole.size, raw(whole.data)) == (53, len(wire), wire)
        assert len(Responder().answer(wire, TCP).events) == 1  # the stream has it already


def test_a_cookie_is_ordinary_and_too_long_a_one_is_not():
    def events(cookie: bytes) -> int:
        options = [dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)]
        query = dns.message.make_query("a.example", "A", options=options)
        return len(Responder().answer(query.to_wire(), UDP).events)

    assert events(b"12345678") == 1
    assert events(b"12345678" * 3) == 2


@pytest.mark.parametrize(
    "wire",
    [
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x3fshort",
        b"\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00" + b"\x01a\x00\x00\x01\x00\x01" * 2,
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01",
        dns.message.make_query("a.example", "A").to_wire() + b"smuggled",
        b"\x12\x34" + b"\xff" * 10,
    ],
    ids=["cut short", "two questions", "a loop of pointers", "more behind it", "no header"],
)
def test_what_is_no_query_is_answered_formerr_and_recorded_whole(wire):
    reply = Responder().answer(wire, UDP)
    question, whole = reply.events
    assert isinstance(question, Dns)
    assert question.rcode == "FORMERR"
    assert isinstance(whole, Datagram)
    assert raw(whole.data) == wire
    if wire[2] & 0x80:  # it says that it is an answer itself
        assert reply.data == b""
        return
    assert reply.data[:2] == wire[:2]
    assert dns.message.from_wire(reply.data).rcode() == dns.rcode.FORMERR


def test_an_answer_sent_to_us_is_recorded_and_not_answered():
    wire = dns.message.make_response(dns.message.make_query("a.example", "A")).to_wire()
    reply = Responder().answer(wire, UDP)
    assert reply.data == b""
    assert [type(event) for event in reply.events] == [Datagram]


def test_a_binary_name_is_kept_byte_for_byte():
    label = bytes(range(200, 240)) + b"."
    name = dns.name.Name([label, b"example", b""])
    reply = Responder().answer(dns.message.make_query(name, "TXT").to_wire(), UDP)
    (event,) = reply.events
    assert isinstance(event, Dns)
    assert raw(event.qname) == label + b".example"


@given(st.binary(max_size=600))
def test_any_bytes_are_taken_and_recorded(wire):
    check(Responder().answer(wire, UDP), wire)


@given(st.data())
def test_a_damaged_query_is_taken_and_recorded(data):
    query = dns.message.make_query("www.example.com", "A", use_edns=0)
    wire = bytearray(query.to_wire())
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    check(Responder().answer(bytes(wire), UDP), bytes(wire))


def check(reply: Reply, wire: bytes) -> None:
    assert reply.events
    if len(wire) < 12:
        assert reply.data == b""
    if reply.data:
        assert reply.data[:2] == wire[:2]
        assert dns.message.from_wire(reply.data).flags & dns.flags.QR


@given(st.lists(st.binary(max_size=40), max_size=6), st.integers(1, 7))
def test_the_stream_answers_alike_however_it_is_split(messages, step):
    wires = [*messages, dns.message.make_query("a.example", "A", id=1).to_wire()]
    stream = b"".join(len(wire).to_bytes(2) + wire for wire in wires)
    whole = DnsStream(Responder(clock=lambda: 0), TCP).receive(stream)
    split = DnsStream(Responder(clock=lambda: 0), TCP)
    replies = [split.receive(stream[at : at + step]) for at in range(0, len(stream), step)]
    assert b"".join(reply.data for reply in replies) == whole.data
    assert tuple(e for reply in replies for e in reply.events) == whole.events
    assert len(whole.events) >= 1


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_any_stream_is_taken(pieces):
    handler = DnsStream(Responder(), TCP)
    for piece in pieces:
        handler.receive(piece)


def test_questions_over_the_bound_are_neither_answered_nor_recorded():
    left = iter([True, False])
    responder = Responder(allow=lambda: next(left))
    wire = dns.message.make_query("a.example", "A").to_wire()
    assert responder.answer(wire, UDP).data
    assert responder.answer(wire, UDP) == Reply()
