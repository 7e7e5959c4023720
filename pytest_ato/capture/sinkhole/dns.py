"""The DNS responder: bytes of a query in, bytes of an answer and events out.

Owns the mapping of names to addresses of one audit, and what is answered: every name has its own
IPv4 address in 198.18.0.0/15 (RFC 2544) in order of the first question, no IPv6 address, and no
other records; an address maps back to its name. It must not touch sockets. Any bytes are taken;
what is no proper query is answered FORMERR and recorded whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from time import monotonic_ns
from typing import Literal

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.reversename
import dns.rrset

from pytest_ato.capture.sinkhole import limits
from pytest_ato.capture.sinkhole.reply import Reply
from pytest_ato.model.events import Datagram, Dns
from pytest_ato.model.octets import Octets, octets

PORT = 53
TTL = 60
_FIRST = IPv4Address("198.18.0.1")
_SHARED = str(IPv4Address("198.19.255.254"))
_LOCALHOST = dns.name.from_text("localhost.")
_HEADER = 12
_QUIET_OPTIONS = {dns.edns.OptionType.COOKIE: 8}
"""EDNS options of an ordinary query, with their length; anything else may carry a message."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Who asked whom: addresses in canonical text, before any redirection."""

    client: str
    client_port: int
    server: str
    transport: Literal["udp", "tcp"]


class Names:
    """Names and their addresses, in order of first question; bounded by `limits.NAMES`."""

    def __init__(self) -> None:
        self._addresses: dict[dns.name.Name, str] = {}
        self._names: dict[str, dns.name.Name] = {}

    def address(self, name: dns.name.Name) -> str:
        """Return the name's address: the same for every spelling in upper or lower case."""
        if name.is_subdomain(_LOCALHOST):
            return "127.0.0.1"
        known = self._addresses.get(name)
        if known is not None:
            return known
        if len(self._addresses) >= limits.NAMES:
            return _SHARED
        # 254 of each 256: an address that ends in .0 or .255 looks like no host's.
        block, host = divmod(len(self._addresses), 254)
        address = str(_FIRST + block * 256 + host)
        self._addresses[name] = address
        self._names[address] = name
        return address

    def name(self, pointer: dns.name.Name) -> dns.name.Name | None:
        """Return the name whose address a ``in-addr.arpa`` name spells."""
        try:
            return self._names.get(dns.reversename.to_address(pointer))
        except (dns.exception.DNSException, ValueError):
            return None


class Responder:
    """Answers one audit's questions, for as long as `allow` says so of each."""

    def __init__(
        self, allow: Callable[[], bool] = lambda: True, clock: Callable[[], int] = monotonic_ns
    ) -> None:
        self._names = Names()
        self._allow = allow
        self._clock = clock

    def answer(self, wire: bytes, flow: Flow) -> Reply:
        """Answer one message; `Reply.data` is empty where a server would stay silent."""
        if not self._allow():
            return Reply()
        try:
            query = dns.message.from_wire(wire)
        except Exception:  # any bytes come here, and the parser's own errors are many
            return self._malformed(wire, flow)
        if query.flags & dns.flags.QR:
            return Reply(events=self._hidden(wire, flow))
        if query.opcode() != dns.opcode.QUERY:
            response = dns.message.make_response(query, recursion_available=True)
            response.set_rcode(dns.rcode.NOTIMP)
        elif len(query.question) != 1:
            return self._malformed(wire, flow)
        else:
            response = self._respond(query)
        events: tuple[Dns | Datagram, ...] = (self._event(query, response, flow),)
        if not plain(query):
            events += self._hidden(wire, flow)
        return Reply(response.to_wire(), events=events)

    def _respond(self, query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query, recursion_available=True)
        question = query.question[0]
        name, kind = question.name, question.rdtype
        if question.rdclass not in (dns.rdataclass.IN, dns.rdataclass.ANY):
            response.set_rcode(dns.rcode.REFUSED)
        elif kind in (dns.rdatatype.A, dns.rdatatype.ANY):
            _add(response, name, dns.rdatatype.A, self._names.address(name))
        elif kind == dns.rdatatype.AAAA and name.is_subdomain(_LOCALHOST):
            _add(response, name, dns.rdatatype.AAAA, "::1")
        elif kind == dns.rdatatype.PTR:
            known = self._names.name(name)
            if known is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
            else:
                _add(response, name, dns.rdatatype.PTR, known.to_text())
        return response

    def _event(self, query: dns.message.Message, response: dns.message.Message, flow: Flow) -> Dns:
        name, kind = b"", ""
        if query.question:  # a message of another opcode may have none
            name = b".".join(query.question[0].name.labels[:-1])
            kind = dns.rdatatype.to_text(query.question[0].rdtype)
        return self._record(
            flow,
            qname=octets(name),
            qtype=kind,
            rcode=dns.rcode.to_text(response.rcode()),
            answers=tuple(str(item) for rrset in response.answer for item in rrset),
        )

    def _malformed(self, wire: bytes, flow: Flow) -> Reply:
        events = (self._record(flow, rcode="FORMERR"), *self._hidden(wire, flow))
        if len(wire) < _HEADER or wire[2] & 0x80:
            return Reply(events=events)
        # The id and the RD bit of the query, QR set, no sections (RFC 1035, 4.1.1).
        flags = bytes([0x80 | (wire[2] & 0x79), 0x80 | dns.rcode.FORMERR])
        return Reply(wire[:2] + flags + bytes(8), events=events)

    def _record(
        self,
        flow: Flow,
        *,
        rcode: str,
        qname: Octets = "",
        qtype: str = "",
        answers: tuple[str, ...] = (),
    ) -> Dns:
        return Dns(
            ts=self._clock(),
            client=flow.client,
            client_port=flow.client_port,
            server=flow.server,
            transport=flow.transport,
            qname=qname,
            qtype=qtype,
            rcode=rcode,
            answers=answers,
        )

    def _hidden(self, wire: bytes, flow: Flow) -> tuple[Datagram, ...]:
        """Record the whole message; over TCP, the connection's pieces have it already."""
        if flow.transport == "tcp":
            return ()
        return (
            Datagram(
                ts=self._clock(),
                protocol="udp",
                client=flow.client,
                client_port=flow.client_port,
                address=flow.server,
                port=PORT,
                size=len(wire),
                data=octets(wire),
            ),
        )


class DnsStream:
    """DNS over TCP: messages behind their length in two bytes (RFC 7766)."""

    def __init__(self, responder: Responder, flow: Flow) -> None:
        self._responder = responder
        self._flow = flow
        self._buffer = bytearray()

    def receive(self, data: bytes) -> Reply:
        """Answer each message that is complete now."""
        self._buffer += data
        answers: list[Reply] = []
        while len(self._buffer) >= 2:
            end = 2 + int.from_bytes(self._buffer[:2])
            if len(self._buffer) < end:
                break
            answers.append(self._responder.answer(bytes(self._buffer[2:end]), self._flow))
            del self._buffer[:end]
        return Reply(
            b"".join(len(a.data).to_bytes(2) + a.data for a in answers if a.data),
            events=tuple(event for answer in answers for event in answer.events),
        )


def _add(
    response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType, text: str
) -> None:
    response.answer.append(dns.rrset.from_text(name, TTL, dns.rdataclass.IN, kind, text))


def plain(query: dns.message.Message) -> bool:
    """Whether the query has a question and nothing else that could carry a message."""
    if query.answer or query.authority or query.additional or query.had_tsig:
        return False
    return all(
        len(option.to_wire() or b"") <= _QUIET_OPTIONS.get(option.otype, 0)
        for option in query.options
    )
