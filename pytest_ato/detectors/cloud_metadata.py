"""cloud_metadata: the target asks the machine's cloud for the credentials of the machine itself.

Owns the addresses and names of metadata services. An attempt counts also where nobody answers: on
the user's machine somebody would.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.names import canonical, printable_name
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.traffic import Exchange
from pytest_ato.model.events import Connect, Datagram, Dns, Send, SocketState, Tcp
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import octets
from pytest_ato.model.record import Event

ADDRESSES: Final = {
    "169.254.169.254": "instance metadata (AWS, Azure, GCP, OpenStack and others)",
    "fd00:ec2::254": "instance metadata (AWS)",
    "fd20:ce::254": "instance metadata (GCP)",
    "169.254.170.2": "container credentials (AWS ECS)",
    "169.254.170.23": "pod identity (AWS EKS)",
    "fd00:ec2::23": "pod identity (AWS EKS)",
    "100.100.100.200": "instance metadata (Alibaba)",
    "192.0.0.192": "instance metadata (Oracle)",
    "168.63.129.16": "host agent (Azure)",
}
"""By canonical address: what answers there."""
NAMES: Final = frozenset(
    {
        *("metadata.google.internal", "metadata.goog", "metadata", "instance-data"),
        *("instance-data.ec2.internal", "metadata.tencentyun.com", "metadata.azure.internal"),
    }
)
_NOT_TRIED: Final = frozenset(
    {-errno.EBADF, -errno.ENOTSOCK, -errno.EFAULT, -errno.EINVAL, -errno.EAFNOSUPPORT}
)
"""Results of calls that named no destination that the kernel would take."""
_SHOWN: Final = 5


@dataclass(slots=True)
class _Asked:
    what: str
    process: ProcessState | None = None
    counts: dict[str, int] = field(default_factory=dict)
    """By what was seen: each source tells the same connection once."""
    evidence: list[Evidence] = field(default_factory=list)


class CloudMetadata(Detector):
    """One finding for each metadata service."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-CRD-017",
        name="cloud_metadata",
        category=Category.CREDENTIAL_ACCESS,
        severity=Severity.HIGH,
        title="The cloud's metadata service is asked for the machine's credentials",
        technique="T1552.005",
        declarable=frozenset({"destination"}),
        fires="a connection or packet goes to a metadata address such as 169.254.169.254 or "
        "fd00:ec2::254, also when it fails, or a metadata name is asked for or requested",
        silent="another link-local address, a host that is called metadata in its own domain",
        wants=(Connect, Send, SocketState, Tcp, Datagram, Dns, Exchange),
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._asked: dict[str, _Asked] = {}

    def process(self, event: Event) -> Iterable[Finding]:
        """Note it; several sources tell the same connection, so it is told at the end."""
        match event:
            case Connect(family="inet" | "inet6") if event.result not in _NOT_TRIED:
                actor = self.context.processes.get(event.pid)
                self._address(event, event.address, f"connect ({event.source})", actor)
            case Send(family="inet" | "inet6") if event.result not in _NOT_TRIED:
                actor = self.context.processes.get(event.pid)
                self._address(event, event.address, f"send ({event.source})", actor)
            case SocketState(new="SYN_SENT"):
                actor = self.context.processes.get(event.pid)
                self._address(event, event.address, "TCP", actor)
            case Tcp(direction="out", offset=0, closed=False) | Datagram():
                self._address(event, event.address, "packets", None)
            case Dns():
                self._name(event, printable_name(event.qname), "question")
            case Exchange():
                self._exchange(event)
        return ()

    def finish(self) -> Iterable[Finding]:
        """Tell each service once."""
        for key, asked in self._asked.items():
            by = asked.process.label if asked.process else "the target"
            yield self.finding(
                key=key,
                title=f"{by} asks {key}, {asked.what}",
                evidence=asked.evidence,
                where=key,
                process=asked.process,
                count=max(asked.counts.values()),
            )

    def _exchange(self, event: Exchange) -> None:
        address = canonical(event.address) or ""
        if address in ADDRESSES:
            self._note(event, address, f"request for {event.url}", event.process)
            return
        host = printable_name(octets(event.request.host)).partition(":")[0]
        if host in NAMES or host in ADDRESSES:
            self._note(event, host, f"request for {event.url}", event.process)

    def _name(self, event: Dns, name: str, how: str) -> None:
        if name in NAMES:
            owner = self.context.sockets.owner(event.client_port, event.server, 53)
            self._note(event, name, f"DNS {how} for {name}", owner)

    def _address(self, event: Event, address: str, how: str, process: ProcessState | None) -> None:
        text = address if address in ADDRESSES else canonical(address)
        if text in ADDRESSES:
            self._note(event, text, f"{text} by {how}", process)

    def _note(self, event: Event, key: str, text: str, process: ProcessState | None) -> None:
        known = self._asked.get(key)
        if known is None:
            what = ADDRESSES.get(key, "a name of the cloud's metadata service")
            known = self._asked[key] = _Asked(what)
        known.process = known.process or process
        if len(known.counts) < _SHOWN or text in known.counts:
            known.counts[text] = known.counts.get(text, 0) + 1
        if known.counts.get(text) == 1:
            pid = process.pid if process else 0
            known.evidence.append(Evidence(ts=event.ts, text=text, pid=pid))
