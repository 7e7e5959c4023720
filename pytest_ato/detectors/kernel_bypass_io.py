"""kernel_bypass_io: work is done past the calls that everybody watches.

Owns which doors are such a way: io_uring's operations, packet and raw sockets, namespaces and BPF
programs of one's own, opening by handle, page faults of the kernel's, 32-bit calls. An attempt
counts, for what refuses it here may not refuse it where the program is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.outcome import REFUSED, outcome
from pytest_ato.detectors.paths import stable_path, text
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.programs import base_name
from pytest_ato.model.events import Connect, Door, Send
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event

_IDLE: Final = frozenset(
    {"", "setup", "NOP", "EPOLL_CTL", "POLL_ADD", "POLL_REMOVE", "TIMEOUT", "TIMEOUT_REMOVE"}
    | {"LINK_TIMEOUT", "ASYNC_CANCEL", "MSG_RING", "FUTEX_WAIT", "FUTEX_WAKE", "FUTEX_WAITV"}
    | {"FILES_UPDATE", "PROVIDE_BUFFERS", "REMOVE_BUFFERS", "CLOSE", "WAITID", "MADVISE"}
)
"""Operations that move no data: what event loops set up and never use for more."""
_SOCKET: Final = frozenset(
    {"SENDMSG", "RECVMSG", "ACCEPT", "CONNECT", "SEND", "RECV", "SHUTDOWN", "SOCKET", "SEND_ZC"}
    | {"SENDMSG_ZC", "BIND", "LISTEN", "RECV_ZC"}
)
_RAW: Final = frozenset({"AF_INET SOCK_RAW", "AF_INET6 SOCK_RAW"})
_PAST_THE_STACK: Final = ("AF_PACKET", "AF_XDP", "AF_VSOCK")
"""Families whose packets no hook on internet sockets sees."""
_OWN_NAMESPACES: Final = ("CLONE_NEWUSER", "CLONE_NEWNET")
_PING: Final = frozenset({"ping", "ping4", "ping6", "fping", "traceroute", "traceroute6", "mtr"})
_ICMP: Final = frozenset({"icmp", "icmp6"})
_MAX_WAITING: Final = 1000


class KernelBypassIo(Detector):
    """Finds io_uring, packet and raw sockets, own namespaces, bpf(), handles, 32-bit calls."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-EVA-021",
        name="kernel_bypass_io",
        category=Category.EVASION,
        severity=Severity.HIGH,
        title="Files or the network are used past the calls that are watched",
        technique="T1562",
        wants=(Door, Connect, Send),
        fires="io_uring is used (medium; high on a planted file or a socket), 32-bit calls, "
        "raw or packet sockets, own network or user namespaces, bpf(), file handles or "
        "mounts, also when refused",
        silent="UDP, an io_uring that only does nothing, a descriptor that was given",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._raw: list[tuple[Door, ProcessState]] = []
        """Refused raw sockets, until it is known whether their process pings."""
        self._pinging: set[int] = set()

    def process(self, event: Event) -> Iterable[Finding]:
        """Report a door as soon as it is used."""
        match event:
            case Connect() | Send():
                if event.protocol in _ICMP and len(self._pinging) < _MAX_WAITING:
                    self._pinging.add(self.context.processes.actor(event.pid).serial)
            case Door(name="io_uring" | "io_uring_setup"):
                yield self._uring(event)
            case Door(name="socket"):
                yield from self._socket(event)
            case Door(name="unshare" | "clone" | "clone3"):
                for name in event.detail.split("|"):
                    if name in _OWN_NAMESPACES:
                        yield self._tell(
                            event,
                            f"namespace:{name}",
                            f"makes a {name[9:].lower()} namespace of its own",
                        )
            case Door(name="bpf"):
                yield self._tell(event, "bpf", "calls bpf()")
            case Door(name="open_by_handle_at"):
                what = "opens a file by its handle, without a path"
                yield self._tell(event, "handle", what, Severity.MEDIUM)
            case Door(name="userfaultfd", detail=""):  # with a flag, of its own faults alone
                what = "answers the kernel's page faults in the midst of its calls"
                yield self._tell(event, "userfaultfd", what, Severity.MEDIUM)
            case Door(name="int80"):
                what = "makes 32-bit calls, of which only the effects are seen"
                yield self._tell(event, "int80", what, Severity.MEDIUM)

    def finish(self) -> Iterable[Finding]:
        """Tell the raw sockets, and honeytokens whose files say they were used by a side door."""
        for event, process in self._raw:
            pings = process.serial in self._pinging or _is_ping(process)
            severity = Severity.INFO if pings else None
            yield self._tell(
                event,
                f"socket:{event.detail}",
                f"opens a socket {event.detail}",
                severity,
                process=process,
            )
        for touched, door in self.context.touches.by_side_door():
            if door:
                path = f"~/{touched.token.path}"
                name = touched.process.label
                yield self.finding(
                    key=f"{door}:{touched.token.name}",
                    title=f"{name} uses {path} by {door}",
                    evidence=(
                        Evidence(
                            ts=touched.ts,
                            text=f"no call of {name} opened {path}, "
                            f"which was used; the process used {door}",
                            pid=touched.process.pid,
                        ),
                    ),
                    where=path,
                    process=touched.process,
                )

    def _uring(self, event: Door) -> Finding:
        token = self.context.tokens.planted(event)
        operation = show(event.detail, 40)
        if token is not None:
            path = f"~/{token.path}"
            what = f"uses {path} by io_uring"
            return self._tell(event, f"io_uring:{token.name}", what, where=path)
        if event.name == "io_uring_setup" or event.detail in _IDLE:
            return self._tell(event, "io_uring:idle", "sets io_uring up", Severity.INFO)
        if event.detail in _SOCKET or event.address:
            where = self._destination(event)
            what = f"uses the network by io_uring{f': {where}' if where else ''}"
            return self._tell(event, f"io_uring:socket:{where}", what, where=where)
        path = stable_path(event.file, self.context.home) if event.file else ""
        what = f"uses files by io_uring ({operation})"
        return self._tell(event, "io_uring:file", what, Severity.MEDIUM, where=path)

    def _destination(self, event: Door) -> str:
        if not event.address:
            return ""
        return self.context.names.describe(event.address, event.port)

    def _socket(self, event: Door) -> Iterable[Finding]:
        what, key = f"opens a socket {show(event.detail, 60)}", f"socket:{show(event.detail, 60)}"
        if event.detail.startswith(_PAST_THE_STACK) or event.detail.endswith("SOCK_PACKET"):
            yield self._tell(event, key, what)
        elif event.detail not in _RAW:
            if not event.detail.startswith("AF_NETLINK"):
                yield self._tell(event, key, what, Severity.INFO)
        elif event.result not in REFUSED or len(self._raw) >= _MAX_WAITING:
            yield self._tell(event, key, what)
        else:
            self._raw.append((event, self.context.processes.actor(event.pid)))

    def _tell(
        self,
        event: Door,
        key: str,
        what: str,
        severity: Severity | None = None,
        *,
        where: str = "",
        process: ProcessState | None = None,
    ) -> Finding:
        actor = process or self.context.processes.actor(event.pid)
        result = outcome(event.result)
        proof = show(f"{event.name} {event.detail}".rstrip(), 100)
        if event.file is not None:
            proof += f" on {show(event.file)}"
        if event.address:
            proof += f" to {show(event.address)} port {event.port}"
        return self.finding(
            key=key,
            title=f"{actor.label} {what}{result}",
            severity=severity,
            evidence=(Evidence(ts=event.ts, text=f"{proof}{result}", pid=event.pid),),
            where=where,
            process=actor,
            count=event.count,
        )


def _is_ping(process: ProcessState) -> bool:
    """Whether it is the system's ping: it asks for a raw socket first, and does without."""
    if not text(process.file).startswith(("/usr/", "/bin/", "/sbin/")):
        return False
    name = base_name(process.file)
    if name == "busybox":
        return any(base_name(word) in _PING for word in process.argv[:2])
    return name in _PING
