"""beaconing: the target calls one destination at regular intervals, as an implant calls home.

Owns what a call is: the start of a TCP connection that came about, a UDP packet, or a small write
on a connection that stays open. How regular is regular is in `regularity`.
"""

from __future__ import annotations

import ipaddress
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from errno import EALREADY, EINPROGRESS, EINTR
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.regularity import Limits, Rhythm, measure
from pytest_ato.model.events import Connect, Datagram, Send, SocketState, Tcp
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import raw
from pytest_ato.model.record import Event

_SMALL_WRITE: Final = 4096
"""Bytes: regular writes above it are a transfer, paced by a link or a limit."""
_MAX_CALLS: Final = 4096
"""Calls of one destination that are looked at; so many are enough to see a rhythm."""
_MAX_CHANNELS: Final = 8192
_SHOWN: Final = 3
_DNS_PORTS: Final = frozenset({53, 5353})
_UNDER_WAY: Final = frozenset({-EINPROGRESS, -EALREADY, -EINTR})
_NANOSECONDS: Final = 1e9


@dataclass(slots=True)
class _Calls:
    """What went to one destination; times in nanoseconds."""

    where: str
    states: dict[int, int] = field(default_factory=dict)
    """Cookie to time, of TCP starts as the kernel's states tell them."""
    connects: dict[int, int] = field(default_factory=dict)
    """The same by the connect hook: used where no state was captured."""
    failed: set[int] = field(default_factory=set)
    sizes: list[int] = field(default_factory=list)
    """Bytes that each finished TCP connection sent."""
    packets: list[tuple[int, int]] = field(default_factory=list)
    """Time and size of UDP packets on the wire."""
    sends: list[tuple[int, int]] = field(default_factory=list)
    """The same as sent: used where the wire was not captured."""
    writes: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """By connection: time and size of each write."""
    actor: ProcessState | None = None


class Beaconing(Detector):
    """Finds destinations that are called with a timer's regularity.

    Silent on too few calls, irregular ones, attempts that never became a connection (a retry
    after a failure is regular, too), bursts, and on what stays on the link or on this machine.
    """

    definition: ClassVar[Definition] = Definition(
        rule="ATO-C2C-009",
        name="beaconing",
        category=Category.C2,
        severity=Severity.HIGH,
        title="A destination is called at regular intervals",
        technique="T1071",
        declarable=frozenset({"destination"}),
        wants=(SocketState, Connect, Send, Tcp, Datagram),
        needs=frozenset({"sinkhole", "open"}),
        thresholds={"intervals": 4, "score": 0.6, "seconds": 0.5, "jitter": 0.41},
        fires="at least `intervals` intervals between connections, packets or small writes to "
        "one destination are regular: RITA's score of intervals, sizes and duration is "
        "at least `score`, the middle interval at least `seconds`, and the jitter at "
        "most `jitter`, less where there are few intervals",
        silent="irregular fetches, retries after failures, a package manager with many files, "
        "the resolver, what stays on this machine",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._channels: dict[str, _Calls] = {}
        self._limits = Limits()

    def process(self, event: Event) -> Iterable[Finding]:
        """Note the call; whether calls are regular shows at the end."""
        match event:
            case SocketState():
                self._state(event)
            case Connect(family="inet" | "inet6", protocol="" | "tcp"):
                self._connect(event)
            case Send(source="kernel", protocol="udp") if event.port not in _DNS_PORTS:
                calls = self._calls(event.address, event.port, "udp")
                if calls and len(calls.sends) < _MAX_CALLS:
                    calls.actor = calls.actor or self.context.processes.get(event.pid)
                    calls.sends.append((event.ts, event.size))
            case Datagram(protocol="udp") if event.port not in _DNS_PORTS:
                self._datagram(event)
            case Tcp() if event.closed or event.direction == "out":
                self._tcp(event)
        return ()

    def finish(self) -> Iterable[Finding]:
        """Judge each destination, and each of its connections if they come with no rhythm."""
        names = ("intervals", "score", "seconds", "jitter")
        self._limits = Limits(*map(self.threshold, names))
        for key, calls in self._channels.items():
            finding = self._judge(key, calls)
            if finding:
                yield finding

    def _calls(self, address: str, port: int, protocol: str = "") -> _Calls | None:
        start = self.context.start
        if not _is_remote(address) or (start and address in start.addresses):
            return None
        where = self.context.names.describe(address, port)
        key = f"{where}/{protocol}" if protocol else where
        calls = self._channels.get(key)
        if calls is None and len(self._channels) < _MAX_CHANNELS:
            calls = self._channels[key] = _Calls(where)
        return calls

    def _state(self, event: SocketState) -> None:
        if "SYN_SENT" not in (event.old, event.new):
            return
        calls = self._calls(event.address, event.port)
        if calls is None:
            return
        if event.new == "SYN_SENT" and len(calls.states) < _MAX_CALLS:
            calls.actor = calls.actor or self.context.processes.get(event.pid)
            calls.states[event.cookie] = event.ts
        elif event.new == "CLOSE" and event.cookie in calls.states:
            calls.failed.add(event.cookie)

    def _connect(self, event: Connect) -> None:
        calls = self._calls(event.address, event.port)
        if calls is None or len(calls.connects) >= _MAX_CALLS:
            return
        if event.source == "kernel":
            if event.protocol == "tcp":
                calls.actor = calls.actor or self.context.processes.get(event.pid)
                calls.connects[event.cookie] = event.ts
        elif event.cookie in calls.connects and _was_refused(event):
            calls.failed.add(event.cookie)

    def _datagram(self, event: Datagram) -> None:
        calls = self._calls(event.address, event.port, "udp")
        if calls and len(calls.packets) < _MAX_CALLS:
            owner = self.context.sockets.owner(event.client_port, event.address, event.port)
            calls.actor = calls.actor or owner
            calls.packets.append((event.ts, event.size))

    def _tcp(self, event: Tcp) -> None:
        calls = self._calls(event.address, event.port)
        if calls is None:
            return
        if event.closed:
            if len(calls.sizes) < _MAX_CALLS:
                calls.sizes.append(event.sent)
            return
        if event.connection in calls.writes or len(calls.writes) < _MAX_CALLS:
            writes = calls.writes.setdefault(event.connection, [])
            if len(writes) < _MAX_CALLS:
                writes.append((event.ts, len(raw(event.data))))

    def _judge(self, key: str, calls: _Calls) -> Finding | None:
        starts = calls.states or calls.connects
        made = sorted(ts for cookie, ts in starts.items() if cookie not in calls.failed)
        rhythm = self._rhythm(made, calls.sizes)
        if rhythm.is_beacon(self._limits):
            return self._report(key, calls, rhythm, made, "connections")
        packets = sorted(calls.packets or calls.sends)
        times = [ts for ts, _ in packets]
        rhythm = self._rhythm(times, [size for _, size in packets])
        if rhythm.is_beacon(self._limits):
            return self._report(key, calls, rhythm, times, "packets")
        for writes in calls.writes.values():
            times, sizes = [ts for ts, _ in writes], [size for _, size in writes]
            rhythm = self._rhythm(times, sizes)
            if rhythm.is_beacon(self._limits) and statistics.median(sizes) <= _SMALL_WRITE:
                return self._report(key, calls, rhythm, times, "writes on one connection")
        return None

    def _rhythm(self, times: Sequence[int], sizes: Sequence[int]) -> Rhythm:
        if len(times) <= self._limits.intervals:
            return measure(())
        return measure([ts / _NANOSECONDS for ts in times], sizes)

    def _report(
        self, key: str, calls: _Calls, rhythm: Rhythm, times: Sequence[int], what: str
    ) -> Finding:
        every = f"every {rhythm.median:.3g} s (jitter {rhythm.jitter:.0%})"
        summary = f"{len(times)} {what} to {calls.where}, {every}; score {rhythm.score:.2f}"
        shown = [
            Evidence(ts=ts, text=f"{(ts - times[0]) / _NANOSECONDS:.3f} s after the first")
            for ts in times[1 : 1 + _SHOWN]
        ]
        actor = calls.actor
        by = actor.label if actor else "the target"
        return self.finding(
            key=key,
            title=f"{by} calls {calls.where} {every}",
            evidence=(Evidence(ts=times[0], text=summary, pid=actor.pid if actor else 0), *shown),
            where=calls.where,
            process=actor,
            count=len(times),
        )


def _was_refused(event: Connect) -> bool:
    return event.result is not None and event.result < 0 and event.result not in _UNDER_WAY


def _is_remote(address: str) -> bool:
    """Whether `address` is beyond the link: not loopback, link-local, multicast or none at all."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified)
