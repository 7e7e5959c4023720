"""The gateway: one namespace for a capture session, with the sinkhole in it.

Owns the session's side: begin, join a target, read events, settle an audit, close. Whatever goes
wrong with the sinkhole becomes a `Lost` event, never silence.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pytest_ato.capture.network import links, namespaces, plan, rules, sockets
from pytest_ato.capture.network.egress import Egress
from pytest_ato.capture.network.helper import EOF
from pytest_ato.capture.network.sinkhole import Sinkhole, ready
from pytest_ato.capture.network.target import TargetNetwork, joined
from pytest_ato.capture.network.tlsproxy import TlsProxy
from pytest_ato.capture.network.uplink import Uplink
from pytest_ato.capture.proxy import authority as authorities
from pytest_ato.capture.proxy.authority import Authority
from pytest_ato.capture.sinkhole import wire
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.events import Dns, Lost
from pytest_ato.model.record import Event

_START_SECONDS = 20.0
_SETTLE_SECONDS = 10.0
_GRACE_SECONDS = 5.0
"""How much longer than asked the sinkhole may take to settle."""


class Gateway:
    """Audits join it one after another; `uid` is an unused user for the sinkhole."""

    def __init__(
        self,
        uid: int,
        mitmproxy: Path | None = None,
        *,
        open: bool = False,
        authority: Authority | None = None,
    ) -> None:
        """`mitmproxy`: the virtual environment that has it; None: TLS is not decrypted.

        `open`: targets reach the true servers. `authority`: one that is there already.
        """
        self._uid = uid
        self._mitmproxy = mitmproxy
        self._is_open = open
        self._uplink: Uplink | None = None
        self._egress: Egress | None = None
        self.authority = authority
        """Whom targets are to trust; None: there is no proxy."""
        self._proxy: TlsProxy | None = None
        self._netns = -1
        self._sinkhole: Sinkhole | None = None
        self._no_proxy = ""
        self._serial = 0
        self._open = False
        self._lost = 0
        self._reported = False

    def start(self) -> None:
        """Begin and wait; raises `CaptureUnavailable`."""
        self.begin()
        self.wait_ready()

    def begin(self) -> None:
        """Start everything that takes time and return at once; call it in the main thread.

        Raises `CaptureUnavailable` for what is known at once (a program is missing).
        """
        try:
            self._netns = namespaces.make()
            self._sinkhole = Sinkhole(self._netns, self._uid)
            links.preload()
            links.gateway(self._netns, open=self._is_open)
            rules.load(self._netns, open=self._is_open)
            if self._is_open:
                self._uplink = Uplink(self._netns)
            if self._mitmproxy is not None and self.authority is None:
                self.authority = authorities.make()
        except BaseException:
            self.close()
            raise

    def wait_ready(self) -> None:
        """Wait until the sinkhole serves; raises `CaptureUnavailable` when it does not."""
        try:
            ready(self._running(), _START_SECONDS)
        except BaseException:
            self.close()
            raise

    def join(self, serial: int, egress: tuple[str, ...] | None = None) -> TargetNetwork:
        """Return a new network for one audit, joined to the sinkhole.

        `serial` is the audit's number in this session, never used twice. A sinkhole that failed
        in the audit before is replaced. `egress`: domains and networks that an open gateway leads
        to; None: all. Call it in the main thread; raises `CaptureUnavailable`.
        """
        if self._open:  # the audit before was given up: its events belong to nobody
            self.settle()
        if not self._running().alive():
            self._replace()
        sinkhole = self._running()
        if self._is_open:
            self._check_uplink()
            self._egress = Egress(self._netns, egress)
        link = f"ato{serial}"
        network = joined(self._netns, link)
        try:
            opened = sockets.open_all(self._netns, link)
            try:
                sinkhole.tell(self._order(serial), opened)
            finally:
                for sock in opened:
                    sock.close()
        except BaseException:
            network.close()
            raise
        self._serial, self._open = serial, True
        self._lost = 0
        self._reported = False
        return network

    def on_wire(self, action: Callable[[int], None]) -> None:
        """Call `action` with the index of this audit's link, in a thread inside the gateway."""
        link = f"ato{self._serial}"
        namespaces.inside(self._netns, lambda: action(socket.if_nametoindex(link)))

    def fileno(self) -> int:
        """Return the descriptor that is readable when there are events; `join` may change it."""
        return self._running().fileno()

    def read(self) -> list[Event]:
        """Return the events since the last call; never waits."""
        return self._take(self._running().read())

    def settle(self) -> list[Event]:
        """Return the rest of the audit's events, all of them; takes a bounded time.

        Call it when the target's processes are gone and its network is still open.
        """
        sinkhole = self._running()
        self._open = False
        deadline = time.monotonic() + _SETTLE_SECONDS + _GRACE_SECONDS
        try:
            sinkhole.tell(wire.Settle(self._serial, _SETTLE_SECONDS))
        except CaptureUnavailable:
            return self._take(sinkhole.read())
        events: list[Event] = []
        while time.monotonic() < deadline and not sinkhole.broken:
            sinkhole.wait(deadline - time.monotonic())
            records = sinkhole.read()
            events += self._take(records)
            if self._settled(records):
                return events
        if not sinkhole.broken:
            sinkhole.broken = "it did not settle in time"
        return events + self._take([])

    def lost(self) -> int:
        """Return how many packets, bytes or connections of this audit were not recorded.

        It is the sum over the `Lost` events of `read` and `settle`, which have the reasons.
        """
        return self._lost

    def alive(self) -> bool:
        """Whether the sinkhole runs and can be trusted."""
        return self._sinkhole is not None and self._sinkhole.alive()

    def close(self) -> None:
        """End the sinkhole and give the namespace back; may be called twice."""
        self._end_proxy()
        self._end_uplink()
        if self._sinkhole is not None:
            self._sinkhole.close()
            self._sinkhole = None
        if self._netns >= 0:
            os.close(self._netns)
            self._netns = -1

    def _running(self) -> Sinkhole:
        if self._sinkhole is None:
            raise CaptureUnavailable("the gateway is closed")
        return self._sinkhole

    def _order(self, serial: int) -> wire.Join:
        return wire.Join(
            serial,
            tls=self.authority is not None,
            resolver=plan.RESOLVER4 if self._is_open else "",
            names=self._egress.names if self._egress is not None else None,
        )

    def _check_uplink(self) -> None:
        """Start another uplink where the one before is gone."""
        if self._uplink is None or not self._uplink.alive():
            self._end_uplink()
            self._uplink = Uplink(self._netns)

    def _end_uplink(self) -> None:
        if self._uplink is not None:
            self._uplink.close()
            self._uplink = None

    def _answered(self, egress: Egress, question: Dns) -> list[Event]:
        try:
            egress.answered(question)
        except CaptureUnavailable as error:
            return [Lost(ts=time.monotonic_ns(), source="gateway", reason=str(error))]
        return []

    def _start_proxy(self) -> None:
        self._end_proxy()
        try:
            if self._mitmproxy is None or self.authority is None:
                raise CaptureUnavailable("there is none")
            self._proxy = TlsProxy(
                self._netns, self._uid, self._mitmproxy, self.authority, open=self._is_open
            )
            self._running().tell(wire.Adopt(), [self._proxy.frames])
            self._proxy.frames.close()
        except CaptureUnavailable as error:
            self._no_proxy = str(error)
            with suppress(CaptureUnavailable):
                self._running().tell(wire.Adopt())

    def _proxy_failed(self, record: wire.ProxyFailed) -> list[Event]:
        """Return what is lost by it, and put it away; the next one starts when it is needed."""
        why = self._no_proxy
        if self._proxy is not None:
            self._proxy.broken = record.reason or EOF
            why = self._proxy.why()
        self._end_proxy()
        if not record.used:
            return []
        reason = f"the TLS proxy failed during the audit: {why}"
        return [Lost(ts=time.monotonic_ns(), source="proxy", reason=reason)]

    def _end_proxy(self) -> None:
        if self._proxy is not None:
            self._proxy.close()
            self._proxy = None

    def _replace(self) -> None:
        self._end_proxy()
        self._running().close()
        self._sinkhole = Sinkhole(self._netns, self._uid)
        self.wait_ready()

    def _settled(self, records: list[wire.Record]) -> bool:
        return any(isinstance(r, wire.Settled) and r.serial == self._serial for r in records)

    def _take(self, records: list[wire.Record]) -> list[Event]:
        """Keep the model's events, and add one when the sinkhole has gone."""
        events: list[Event] = []
        for record in records:
            if isinstance(record, wire.ProxyWanted):
                self._start_proxy()
            elif isinstance(record, wire.ProxyFailed):
                events += self._proxy_failed(record)
            elif not isinstance(record, (wire.Ready, wire.Settled)):
                events.append(record)
                if self._egress is not None and isinstance(record, Dns):
                    events += self._answered(self._egress, record)
        if self._uplink is not None and self._open and not self._uplink.alive():
            why = self._uplink.why()
            self._end_uplink()
            reason = f"the uplink failed during the audit: {why}"
            events.append(Lost(ts=time.monotonic_ns(), source="uplink", reason=reason))
        if self._serial and not self.alive() and not self._reported:
            self._reported = True
            reason = f"the sinkhole failed during the audit: {self._running().why()}"
            events.append(Lost(ts=time.monotonic_ns(), source="sinkhole", reason=reason))
        self._lost += sum(event.count for event in events if isinstance(event, Lost))
        return events
