"""The event log's records: what was observed, one frozen struct a kind.

Owns the names and shapes on the wire between capture and analysis, in `events.jsonl` and in
replay. A field holds what its source said; interpretation belongs to detectors. `kind` is the tag
of the JSON object; fields at their default are left out.

Units: `ts` is nanoseconds of the kernel's monotonic clock; sizes are bytes; `dev` is `st_dev` of
`os.stat`. A `result` is the system call's return value, so negative numbers are ``-errno``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from pytest_ato.model.findings import Finding
from pytest_ato.model.octets import Octets
from pytest_ato.model.record import Event, TaskEvent
from pytest_ato.model.spec import AuditSpec

FORMAT = 1
"""Version of the event log; a reader refuses a newer one."""


# --- the audit's own records ---------------------------------------------------------------


class Audit(Event, tag="audit", frozen=True, kw_only=True):
    """First record: everything about the run that cannot be derived from later ones."""

    spec: AuditSpec
    started: str
    """Wall clock at the start, ISO 8601 in UTC; waivers are judged at this time."""
    digest_key: bytes
    """Random bytes under which masked values are digested; only the raw log has them."""
    format: int = FORMAT
    tool_version: str = ""


class Honeytoken(Event, tag="honeytoken", frozen=True, kw_only=True):
    """One carrier (a planted file or variable) and the values minted for this audit."""

    name: str
    """Stable name of the carrier, such as ``aws_credentials``; the same in every audit."""
    family: str
    """What credential it is: aws, ssh, postgres, netrc, docker, kube, browser, pii, github, ..."""
    markers: dict[str, str]
    """Marker name to minted value; names are stable over audits."""
    path: str = ""
    """Path relative to the home directory, or empty."""
    variable: str = ""
    """Environment variable, or empty."""


class Unavailable(Event, tag="unavailable", frozen=True, kw_only=True):
    """Capture's answer when this machine cannot audit at all; never part of an event log."""

    reason: str
    """One line that says what to do."""


class Start(Event, tag="start", frozen=True, kw_only=True):
    """The sandbox stands and capture is live; the target starts now."""

    kernel: str
    loader: str
    attach_ms: float
    probes: dict[str, Literal["live", "silent", "missing", "not captured"]]
    """State of each probe by name."""
    required: tuple[str, ...] = ()
    """Names of the probes without which no verdict can rest on the capture."""
    unseen: tuple[str, ...] = ()
    """What this loader cannot see at all, in words that follow "does not see"."""
    init: int
    """Host pid of the sandbox's pid 1, whose first child is the target."""
    uid: int
    home: str
    program: str
    """Path of the target inside the sandbox."""
    resolvers: tuple[str, ...] = ()
    """Addresses at which the sandbox's own DNS resolver answers."""
    addresses: tuple[str, ...] = ()
    """The sandbox's own addresses, loopback left out."""


class Planted(Event, tag="planted", frozen=True, kw_only=True):
    """A honeytoken file as it lies in the sandbox; `path` is one of its names there."""

    path: str
    dev: int
    inode: int


class Lost(Event, tag="lost", frozen=True, kw_only=True):
    """Something was not captured; `reason` is a sentence for the report."""

    source: str
    reason: str
    count: int = 1


class Timing(Event, tag="timing", frozen=True, kw_only=True):
    """Durations of the analysis in milliseconds: measured once, replayed as they were."""

    analysis_ms: float


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel side's counts; produced = consumed + lost + coalesced, for each class."""

    produced: int = 0
    consumed: int = 0
    lost: int = 0
    unread: int = 0
    truncated: int = 0
    coalesced: int = 0


class End(Event, tag="end", frozen=True, kw_only=True):
    """Last record of capture; without one the audit is INCONCLUSIVE."""

    ended: Literal["exit", "signal", "timeout", "limit", "not_started", "interrupted"]
    """How the target ended; `limit`: a limit of ours (memory) ended it; `not_started`: the
    sandbox or exec failed."""
    status: int = 0
    """Exit status, or signal number for `signal`."""
    reason: str = ""
    """A sentence for `not_started`, `limit` and `interrupted`."""
    run_ms: float = 0.0
    survivors: tuple[Octets, ...] = ()
    """Command names of the processes that were alive when time was up."""
    counters: dict[str, Counters] = msgspec.field(default_factory=dict)
    """By class: critical, bulk."""
    output_bytes: dict[str, int] = msgspec.field(default_factory=dict)
    """All bytes that the target wrote, by stream name; `Output` events hold the first of them."""
    limits_hit: tuple[str, ...] = ()
    """Names of limits that the target ran into: tasks, memory, disk."""
    silent: dict[str, str] = msgspec.field(default_factory=dict)
    """Probes that did not see the sandbox's own test calls: name to when (``before the target``,
    ``after the target``)."""


# --- processes -----------------------------------------------------------------------------


class Fork(TaskEvent, tag="fork", frozen=True, kw_only=True):
    """A process (never a mere thread) was made; `pid` is the one that called."""

    child: int
    inner: int = 0
    """The child's pid as the sandbox numbers it."""


class Exec(TaskEvent, tag="exec", frozen=True, kw_only=True):
    """A program replaced the process's image (``sched_process_exec``: the kernel's own view)."""

    path: Octets
    """The name that the kernel was given: the script, for a script."""
    file: Octets
    """The kernel's path of the image that runs: the interpreter, for a script. Empty: not known."""
    argv: tuple[Octets, ...]
    argv_bytes: int = 0
    """Length of the whole argument block, of which `argv` may hold the beginning."""
    truncated: bool = False
    ppid: int = 0
    dev: int = 0
    inode: int = 0
    links: int = 1
    """Hard links of the image; 0: deleted, or a memfd (then `file` starts with ``/memfd:``)."""
    stdio: tuple[str, str, str] = ("", "", "")
    """What descriptors 0 to 2 are: pipe, tty, file, null, char, dir, closed, other, tcp, udp,
    unix, socket; empty: not known."""
    uid: int = 0
    call: str = "execve"
    inner: int = 0
    """Its pid as the sandbox numbers it."""


class Exit(TaskEvent, tag="exit", frozen=True, kw_only=True):
    """The last thread of a process ended."""

    status: int = 0
    signal: int = 0


# --- files ---------------------------------------------------------------------------------


class FileEvent(TaskEvent, frozen=True, kw_only=True):
    """A system call on a path."""

    call: str
    path: Octets
    """As the program gave it."""
    file: Octets | None = None
    """Absolute path after resolution: the kernel's own for an opened file, else `path` joined
    to the directory it is relative to. None: not known."""
    result: int = 0
    truncated: bool = False
    changed: bool = False
    """The path differed between entry and exit of the call."""
    count: int = 1
    """Identical events in a row that this one stands for."""


class Open(FileEvent, tag="open", frozen=True, kw_only=True):
    """open, openat, openat2 or creat."""

    flags: int = 0
    dev: int = 0
    inode: int = 0


class Rename(FileEvent, tag="rename", frozen=True, kw_only=True):
    """rename, renameat or renameat2; `to` and `to_file` are the new name."""

    to: Octets = ""
    to_file: Octets | None = None


class Link(FileEvent, tag="link", frozen=True, kw_only=True):
    """link or symlink: `to` (the new name) leads to `path`."""

    to: Octets = ""
    to_file: Octets | None = None
    symbolic: bool = False


class Unlink(FileEvent, tag="unlink", frozen=True, kw_only=True):
    """unlink, unlinkat or rmdir."""


class Truncate(FileEvent, tag="truncate", frozen=True, kw_only=True):
    """truncate (by path)."""


class Chmod(FileEvent, tag="chmod", frozen=True, kw_only=True):
    """chmod, fchmodat, fchmodat2 (by path) or fchmod (then `file` is the descriptor's)."""

    mode: int = 0


class Map(TaskEvent, tag="map", frozen=True, kw_only=True):
    """mmap or mprotect with PROT_EXEC. `file` is None for anonymous memory."""

    call: str
    prot: int
    flags: int = 0
    address: int = 0
    length: int = 0
    file: Octets | None = None
    dev: int = 0
    inode: int = 0
    links: int = 1
    result: int = 0


class Memfd(TaskEvent, tag="memfd", frozen=True, kw_only=True):
    """memfd_create; `result` is the descriptor."""

    name: Octets
    flags: int = 0
    result: int = 0


# --- network, seen in the target's kernel ----------------------------------------------------


class Connect(TaskEvent, tag="connect", frozen=True, kw_only=True):
    """A destination was named. `syscall`: the program's copy of the address, with the result;
    `kernel`: the cgroup hook's copy, after the kernel took it over."""

    source: Literal["syscall", "kernel"]
    family: Literal["inet", "inet6", "unix", "netlink", "packet", "other"]
    address: str
    """IP address in canonical text (an IPv4-mapped one as IPv4), or the path of a unix socket."""
    port: int = 0
    protocol: str = ""
    """tcp, udp, icmp, ... or empty."""
    result: int | None = None
    cookie: int = 0
    fd: int = -1


class Send(TaskEvent, tag="send", frozen=True, kw_only=True):
    """A send with an address (sendto, sendmsg, sendmmsg); `source` as in `Connect`."""

    source: Literal["syscall", "kernel"]
    family: Literal["inet", "inet6", "unix", "netlink", "packet", "other"]
    address: str
    port: int = 0
    protocol: str = ""
    size: int = 0
    result: int | None = None
    cookie: int = 0
    fd: int = -1
    count: int = 1


class Bind(TaskEvent, tag="bind", frozen=True, kw_only=True):
    """A socket got a local address."""

    family: Literal["inet", "inet6", "unix", "netlink", "packet", "other"]
    address: str
    port: int = 0
    result: int = 0
    cookie: int = 0
    fd: int = -1


class SocketState(TaskEvent, tag="socket", frozen=True, kw_only=True):
    """A TCP state change (``inet_sock_set_state``). `pid` is the owner only for `SYN_SENT` and
    `LISTEN`: later states run in whatever process the softirq interrupted."""

    cookie: int
    old: str
    new: str
    local: str
    local_port: int
    address: str
    port: int


class Door(TaskEvent, tag="door", frozen=True, kw_only=True):
    """A way into the kernel that the other events do not cover, or not alone.

    `name` is the system call (``ptrace``, ``bpf``, ``setns``, ``unshare``, ``clone``, ``mount``,
    ``process_vm_readv``, ``pidfd_getfd``, ``open_by_handle_at``, ``socket``, ``sendfile``,
    ``splice``, ``userfaultfd``, ``init_module``, ...), or ``io_uring`` (one submitted operation),
    ``int80`` (a 32-bit call), ``pass_descriptor`` (a descriptor sent over a unix socket).
    """

    name: str
    detail: str = ""
    """What of it, in the kernel's own words: ``PTRACE_ATTACH``, ``AF_PACKET SOCK_RAW``,
    ``CLONE_NEWUSER``, ``OPENAT`` (of io_uring)."""
    aim: int = 0
    """Pid of the process that it is aimed at, as the sandbox numbers it; 0: none."""
    file: Octets | None = None
    dev: int = 0
    inode: int = 0
    address: str = ""
    port: int = 0
    result: int = 0
    """0 where it is not known (io_uring: the operation was submitted)."""
    count: int = 1


class Touch(TaskEvent, tag="touch", frozen=True, kw_only=True):
    """A planted file was used, as fanotify saw it by its inode: whatever the way there.

    The kernel merges events of one process on one file that nobody has read yet, so these are a
    set, never a count. `pid` may have ended.
    """

    dev: int
    inode: int
    path: str
    """One of its names in the sandbox."""
    access: tuple[Literal["open", "read", "write", "close"], ...]


# --- network, seen from the other end ----------------------------------------------------------


class Dns(Event, tag="dns", frozen=True, kw_only=True):
    """A question that reached the sinkhole's responder, and the answer given."""

    client: str
    server: str
    """The address that was asked, before redirection."""
    transport: Literal["udp", "tcp"]
    qname: Octets
    """Without the trailing dot; the case is the client's."""
    qtype: str
    rcode: str
    answers: tuple[str, ...] = ()
    client_port: int = 0


class Tcp(Event, tag="tcp", frozen=True, kw_only=True):
    """One piece of a TCP connection that ended in the sinkhole, or its end.

    Pieces of one `(connection, direction)` come in order; `offset` counts bytes of that direction.
    The last record of a connection has `closed`, and `sent`/`received` as whole counts from the
    target's side, of which the pieces hold the first (bounded) part.
    """

    connection: int
    client: str
    client_port: int
    address: str
    """Destination before redirection."""
    port: int
    direction: Literal["out", "in"]
    """out: from the target."""
    offset: int = 0
    data: Octets = ""
    closed: bool = False
    sent: int = 0
    received: int = 0


class Datagram(Event, tag="datagram", frozen=True, kw_only=True):
    """One packet of UDP (other than DNS), ICMP or another protocol that left the target."""

    protocol: str
    """udp, icmp, icmp6, or ``ip-N``."""
    client: str
    address: str
    client_port: int = 0
    port: int = 0
    size: int = 0
    """Payload length; `data` holds the first (bounded) part."""
    data: Octets = ""


class Flow(Event, tag="flow", frozen=True, kw_only=True):
    """What the wire saw of one flow that left the target, counted in the gateway's driver (XDP)."""

    protocol: str
    """tcp, udp, icmp, icmp6, or ``ip-N``."""
    client: str
    address: str
    client_port: int = 0
    port: int = 0
    packets: int = 0
    bytes: int = 0
    """Of whole frames."""


# --- the target's standard streams ---------------------------------------------------------------


class Output(Event, tag="output", frozen=True, kw_only=True):
    """What the target wrote to its standard output or error."""

    stream: Literal["stdout", "stderr"]
    data: Octets


AnyEvent: TypeAlias = (
    Audit
    | Honeytoken
    | Unavailable
    | Start
    | Planted
    | Lost
    | Timing
    | End
    | Fork
    | Exec
    | Exit
    | Open
    | Rename
    | Link
    | Unlink
    | Truncate
    | Chmod
    | Map
    | Memfd
    | Connect
    | Send
    | Bind
    | SocketState
    | Door
    | Touch
    | Dns
    | Tcp
    | Datagram
    | Flow
    | Output
    | Finding
)

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """One line of the event log, without the newline."""
    return _ENCODER.encode(event)


def encode_lines(events: Iterable[Event]) -> bytes:
    """Lines of the event log, each with its newline."""
    return _ENCODER.encode_lines(events)


def decode(line: bytes) -> AnyEvent:
    """Decode one line; raises `msgspec.DecodeError` (or its child ValidationError)."""
    return _DECODER.decode(line)
