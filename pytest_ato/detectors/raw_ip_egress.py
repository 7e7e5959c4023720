"""raw_ip_egress: the target went to an address that no DNS answer had given it.

Owns which addresses count. Naming an address with connect() on a UDP socket sends nothing, and is
how programs ask for their own address: it counts only once something was sent there.
"""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pytest_ato.detectors.cloud_metadata import ADDRESSES as METADATA
from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.names import canonical, stable_address
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.model.events import Connect, Datagram, Dns, Send, SocketState, Tcp
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.record import Event

MAX_DESTINATIONS: Final = 8192
"""Destinations that are told apart; later ones are counted together."""
_SLACK: Final = 20_000_000
"""Nanoseconds by which an answer may be stamped after the connection that it led to: the
responder stamps in user space, other sources in the kernel."""
_NOT_TRIED: Final = frozenset(
    {-errno.EBADF, -errno.ENOTSOCK, -errno.EFAULT, -errno.EINVAL, -errno.EAFNOSUPPORT}
)
"""Results of calls that named no destination that the kernel would take."""
_UNREACHABLE: Final = frozenset({-errno.ENETUNREACH, -errno.EHOSTUNREACH, -errno.EACCES})
"""Results that connect() has for TCP as for UDP."""
_ONLY_TCP: Final = frozenset({-errno.EINPROGRESS, -errno.ECONNREFUSED, -errno.ETIMEDOUT})
"""Results that connect() never has for UDP."""


@dataclass(slots=True)
class _Destination:
    """What is known of one address and port."""

    address: str
    port: int
    ts: int
    process: ProcessState | None
    protocols: dict[str, None] = field(default_factory=dict)
    """By which something went out, or would have; an ordered set."""
    seen_by_kernel: bool = False
    refused: bool = False
    """A connect() of unknown protocol failed on the way."""
    counts: dict[str, int] = field(default_factory=dict)
    """How often, by source: each source tells the same connection once."""


class RawIpEgress(Detector):
    """One finding for each address, port and protocol."""

    definition = Definition(
        rule="ATO-C2C-016",
        name="raw_ip_egress",
        category=Category.C2,
        severity=Severity.MEDIUM,
        title="a connection to an address that no DNS answer gave",
        technique="T1095",
        declarable=frozenset({"destination"}),
        wants=(Connect, Send, SocketState, Tcp, Datagram, Dns),
        fires="a connection or packet goes to an address that no DNS answer of this audit gave",
        silent="an address from an answer, loopback, the sandbox's resolver, multicast, a UDP "
        "socket that is connected and never used, an address that another detector names",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._destinations: dict[tuple[str, int], _Destination] = {}
        self._more = 0

    def process(self, event: Event) -> Iterable[Finding]:
        """Note the destination; whether it was known is clear at the end, when late answers are
        in."""
        match event:
            case Connect(family="inet" | "inet6"):
                self._connect(event)
            case Send(family="inet" | "inet6") if event.result not in _NOT_TRIED:
                actor = self.context.processes.actor(event.pid)
                default = "udp" if event.port else "ip"
                self._sent(event, event.source, event.protocol or default, actor, event.count)
            case SocketState(new="SYN_SENT"):
                actor = self.context.processes.actor(event.pid)
                self._sent(event, "state", "tcp", actor)
            case Tcp(direction="out", offset=0, closed=False):
                self._sent(event, "wire", "tcp", None)
            case Datagram():
                self._sent(event, "wire", event.protocol, None)
            case Dns():
                self._asked(event)
        return ()

    def finish(self) -> Iterable[Finding]:
        """Tell the destinations that had no name when they were first used."""
        start = self.context.start
        own = {canonical(a) for a in (*start.resolvers, *start.addresses)} if start else set()
        for destination in self._destinations.values():
            since = self.context.names.since(destination.address)
            answered = since is not None and since <= destination.ts + _SLACK
            if not answered and destination.address not in own:
                yield from self._findings(destination)
        if self._more:
            title = f"more than {MAX_DESTINATIONS} destinations named by address"
            yield self.finding(key="more", title=title, evidence=(), count=self._more)

    def _connect(self, event: Connect) -> None:
        if event.result in _NOT_TRIED:
            return
        actor = self.context.processes.actor(event.pid)
        is_tcp = event.protocol == "tcp" or (not event.protocol and event.result in _ONLY_TCP)
        if is_tcp:
            self._sent(event, event.source, "tcp", actor)
            return
        known = self._destination(event, event.address, event.port, actor)
        if known is not None:
            known.seen_by_kernel |= event.source == "kernel"
            known.refused |= not event.protocol and event.result in _UNREACHABLE

    def _asked(self, event: Dns) -> None:
        known = self._destination(event, event.server, 53, None)
        if known is not None:
            _count(known, "wire", event.transport)

    def _sent(
        self,
        event: Connect | Send | SocketState | Tcp | Datagram,
        source: str,
        protocol: str,
        actor: ProcessState | None,
        count: int = 1,
    ) -> None:
        known = self._destination(event, event.address, event.port, actor)
        if known is not None:
            _count(known, source, protocol, count)

    def _destination(
        self, event: Event, address: str, port: int, actor: ProcessState | None
    ) -> _Destination | None:
        text = _counts(address)
        if text is None:
            return None
        known = self._destinations.get((text, port))
        if known is None:
            if len(self._destinations) >= MAX_DESTINATIONS:
                self._more += 1
                return None
            known = _Destination(text, port, event.ts, actor)
            self._destinations[text, port] = known
        known.ts = min(known.ts, event.ts)
        known.process = known.process or actor
        return known

    def _findings(self, destination: _Destination) -> Iterable[Finding]:
        protocols = tuple(destination.protocols)
        if not protocols and destination.refused and not destination.seen_by_kernel:
            protocols = ("ip",)
        host, port = stable_address(destination.address), destination.port
        host = f"[{host}]" if ":" in host and port else host
        where = f"{host}:{port}" if port else host
        by = f" by {destination.process.label}" if destination.process else ""
        pid = destination.process.pid if destination.process else 0
        for protocol in protocols:
            text = f"{where} by {protocol}, and no DNS answer had given this address"
            yield self.finding(
                key=f"{where}/{protocol}",
                title=f"{where} ({protocol}) contacted{by}, an address that no DNS answer gave",
                evidence=[Evidence(ts=destination.ts, text=text, pid=pid)],
                where=where,
                process=destination.process,
                count=max(destination.counts.values(), default=1),
            )


def _count(destination: _Destination, source: str, protocol: str, count: int = 1) -> None:
    destination.protocols[protocol] = None
    destination.counts[source] = destination.counts.get(source, 0) + count


@lru_cache(maxsize=4096)
def _counts(address: str) -> str | None:
    """Canonical text of an address that somebody else has; None for one that says nothing."""
    text = canonical(address)
    if text is None or text in METADATA or text == "255.255.255.255":
        return None
    parsed = ipaddress.ip_address(text)
    if parsed.is_loopback or parsed.is_unspecified or parsed.is_multicast:
        return None
    return text
