"""exfil_service: the target turns to a public service that takes data from anybody.

Owns by what a service is recognised: the name that is asked for, the name that a TLS handshake or
an HTTP request carries (so that a cached address or a front changes nothing), or its webhook path.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.names import printable_name
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.services import service, webhook_path
from pytest_ato.detectors.traffic import Exchange
from pytest_ato.model.events import Dns, Handshake
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.record import Event

_MAX_TOLD: Final = 10_000
"""Records that become findings: the same name may be asked for without end."""


class ExfilService(Detector):
    """One finding for each service, counted by the records that name it."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-EXF-013",
        name="exfil_service",
        category=Category.EXFIL,
        severity=Severity.HIGH,
        title="A public service that takes data from anybody is used",
        technique="T1567",
        declarable=frozenset({"destination"}),
        fires="a paste, webhook, out-of-band, tunnel, file-drop or bot-API service is asked for by "
        "DNS, or named in a TLS handshake or an HTTP request",
        silent="a service's documentation, its name in front of another domain, a chat's own pages",
        wants=(Dns, Handshake, Exchange),
        needs=frozenset({"sinkhole", "open"}),
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._told = 0

    def process(self, event: Event) -> Iterable[Finding]:
        """Report a service as soon as something names it."""
        match event:
            case Dns():
                owner = self.context.sockets.owner(event.client_port, event.server, 53)
                return self._named(event, printable_name(event.qname), "asked for by DNS", owner)
            case Handshake(sni=sni) if sni:
                owner = self.context.sockets.owner(event.client_port, event.address, event.port)
                return self._named(event, printable_name(sni), "named in a TLS handshake", owner)
            case Exchange():
                return self._exchange(event)
        return ()

    def _exchange(self, event: Exchange) -> Iterable[Finding]:
        hook = webhook_path(event.host, event.request.target.decode("latin-1"))
        if hook:
            return self._report(event, hook, "webhook", "named in an HTTP request", event.process)
        return self._named(event, event.host, "named in an HTTP request", event.process)

    def _named(
        self, event: Event, name: str, how: str, process: ProcessState | None
    ) -> Iterable[Finding]:
        domain, kind = service(name)
        return self._report(event, domain, kind, f"{name} {how}", process) if domain else ()

    def _report(
        self, event: Event, domain: str, kind: str, text: str, process: ProcessState | None
    ) -> Iterable[Finding]:
        self._told += 1
        if self._told > _MAX_TOLD:
            return
        by = process.label if process else "the target"
        yield self.finding(
            key=domain,
            title=f"{by} turns to {domain}, a {kind} service that takes data from anybody",
            evidence=(Evidence(ts=event.ts, text=text, pid=process.pid if process else 0),),
            where=domain,
            process=process,
        )
