"""opaque_transport: a channel that hides where to, or what, from whoever watches the network.

Owns which channels those are and where they are looked for; what each looks like is in
`protocols.shapes`. That bytes inside TLS were not seen is another detector's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.ledger import Entry
from pytest_ato.detectors.names import printable_name
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.traffic import Closed, Exchange, Payload, Traffic
from pytest_ato.model.events import Dns
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.record import Event
from pytest_ato.protocols import shapes

_WEB: Final = frozenset({80, 443, 8080, 8443})
_DOT: Final = 853
_LOOKED_AT: Final = 4096
"""Bytes at the beginning of a connection whose spread is measured."""
_MAX_OPEN: Final = 512


@dataclass(slots=True)
class _Begun:
    """A connection to a web port that speaks no known protocol."""

    first: Payload
    data: bytearray


class OpaqueTransport(Detector):
    """One finding for each kind of channel and destination."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-EVA-018",
        name="opaque_transport",
        category=Category.EVASION,
        severity=Severity.MEDIUM,
        title="A channel that hides where to, or what",
        technique="T1573",
        fires="QUIC's first packet, an encrypted ClientHello, DNS over TLS or HTTPS, SSH, Tor's "
        "made-up names, WireGuard's first packet, random bytes that are no TLS on a web port",
        silent="ordinary TLS with its name in clear, NTP, HTTP, a compressed stream",
        wants=(Dns, Payload, Exchange, Closed),
        needs=frozenset({"sinkhole", "open"}),
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._begun: dict[int, _Begun] = {}

    def process(self, event: Event) -> Iterable[Finding]:
        """Look at how packets and connections begin."""
        match event:
            case Payload(channel="udp"):
                kind = shapes.packet(event.data, len(event.data))
                if kind:
                    yield self._of(kind, event, f"a packet of {len(event.data)} bytes")
            case Payload(path=("tcp",)):
                yield from self._bytes(event)
            case Exchange():
                yield from self._request(event)
            case Closed():
                yield from self._closed(event)
            case Dns() if printable_name(event.qname).endswith(".onion"):
                name = printable_name(event.qname)
                yield self._found("Tor", name, None, event.ts, f"asked for {name}")

    def finish(self) -> Iterable[Finding]:
        """Look at the hellos of TLS."""
        for begun in tuple(self._begun.values()):
            yield from self._closed(begun.first)
        for entry in self.context.connections.ledger.entries:
            kind, text = self._hello(entry)
            if kind:
                yield self._found(kind, entry.destination, entry.process, entry.ts, text)

    def _bytes(self, event: Payload) -> Iterable[Finding]:
        known = self._begun.get(event.connection)
        if known is None:
            if len(self._begun) >= _MAX_OPEN:
                self._begun.pop(next(iter(self._begun)))
            known = self._begun[event.connection] = _Begun(event, bytearray())
            if kind := shapes.greeting(event.data):
                yield self._of(kind, event, "the client's first line")
        known.data += event.data[: _LOOKED_AT - len(known.data)]

    def _closed(self, event: Traffic) -> Iterable[Finding]:
        begun = self._begun.pop(event.connection, None)
        if begun is not None and event.port in _WEB and shapes.is_random(bytes(begun.data)):
            text = f"{len(begun.data)} bytes that are neither TLS nor HTTP, spread as if encrypted"
            yield self._of("random bytes", begun.first, text)

    def _request(self, event: Exchange) -> Iterable[Finding]:
        request = event.request
        accept, content = request.header(b"accept"), request.header(b"content-type")
        if shapes.is_dns_request(request.target, accept, content):
            yield self._of("DNS over HTTPS", event, "a DNS question in an HTTP request")
        if event.request.host.partition(b":")[0].endswith(b".onion"):
            yield self._of("Tor", event, "a request for a name below .onion")

    def _hello(self, entry: Entry) -> tuple[str, str]:
        hello = entry.hello
        if hello is None:
            return "", ""
        if hello.encrypted:
            return "ECH", f"an encrypted ClientHello behind the name {entry.name or '(none)'}"
        if entry.port == _DOT or b"dot" in hello.alpn:
            return "DNS over TLS", f"TLS on port {entry.port}"
        if shapes.is_dns_host(entry.name):
            return "DNS over HTTPS", f"TLS with {entry.name}, which answers DNS"
        made_up = shapes.is_tor_name(entry.name) and not self.context.names.names(entry.address)
        if made_up and not hello.alpn:
            return "Tor", f"asked for {entry.name}, which no DNS answer had named"
        return "", ""

    def _of(self, kind: str, event: Traffic, text: str) -> Finding:
        return self._found(kind, event.destination, event.process, event.ts, text)

    def _found(
        self, kind: str, destination: str, process: ProcessState | None, ts: int, text: str
    ) -> Finding:
        by = f" by {process.label}" if process else ""
        return self.finding(
            key=f"{kind.lower().replace(' ', '_')}:{destination}",
            title=f"{kind} to {destination}{by}",
            evidence=[Evidence(ts=ts, text=text, pid=process.pid if process else 0)],
            where=destination,
            process=process,
        )
