"""What the target did, as a set of normalised facts that is the same in every run of it.

Owns what counts as a fact (a name asked for, an address, a port, a file, a child, a privilege, a
kind of system call), and what every program does and so is none. How values are normalised is in
`facts`. Judges nothing.
"""

from __future__ import annotations

import ipaddress
import os
import posixpath
from functools import lru_cache
from typing import Final

from pytest_ato.detectors.declarations import shown_path
from pytest_ato.detectors.facts import Fact, Kind, stable_file, stable_name, stable_temporary
from pytest_ato.detectors.names import Names, canonical, printable_name, stable_address
from pytest_ato.detectors.outcome import REFUSED
from pytest_ato.detectors.paths import (
    TEMPORARY,
    destination,
    is_temporary,
    opens_for_writing,
    resolved,
    text,
)
from pytest_ato.detectors.processes import ProcessState, ProcessTable
from pytest_ato.detectors.sockets import Sockets
from pytest_ato.detectors.tokens import Tokens
from pytest_ato.model.events import (
    Audit,
    Chmod,
    Connect,
    Datagram,
    Dns,
    Door,
    Exec,
    FileEvent,
    Link,
    Map,
    Memfd,
    Open,
    Rename,
    Send,
    SocketState,
    Start,
    Tcp,
    Truncate,
    Unlink,
)
from pytest_ato.model.record import Event, TaskEvent

MOST: Final = 10_000
"""Facts of one kind that are kept; `Behaviour.full` says of which kinds there were more."""

_USUAL_READS: Final = (
    *("/usr/", "/lib", "/bin/", "/sbin/", "/etc/", "/proc/", "/sys/", "/dev/", "/run/", "/opt/"),
    *TEMPORARY,
)
"""Where every program reads: its libraries, its settings, its own process. What it wrote to a
temporary place it may read."""
_DEVICES: Final = "/dev/"
_NO_CONTENT: Final = 0o200000 | 0o10000000  # O_DIRECTORY | O_PATH
_PRIVILEGES: Final = frozenset(
    (
        *("ptrace", "bpf", "setns", "unshare", "clone", "clone3", "mount", "umount2", "pivot_root"),
        *("open_tree", "move_mount", "fsopen", "init_module", "finit_module", "delete_module"),
        *("kexec_load", "kexec_file_load", "process_vm_readv", "process_vm_writev", "pidfd_getfd"),
        *("open_by_handle_at", "perf_event_open", "userfaultfd", "keyctl"),
    )
)
"""Calls that reach beyond the process that makes them."""
_SET_ID: Final = 0o6000
_ANONYMOUS: Final = 0x20
_FIRST_EPHEMERAL: Final = 32_768
"""Ports from here on are the kernel's choice (ip_local_port_range)."""
_REVERSE: Final = (".in-addr.arpa", ".ip6.arpa")
"""Questions about an address that the target has already: no place that it goes to."""
_EXCLUSIVE: Final = os.O_CREAT | os.O_EXCL


OBSERVED: Final[tuple[type[Event], ...]] = (
    *(Audit, Start, Exec, Open, Rename, Link, Unlink, Truncate, Chmod, Map, Memfd, Door),
    *(Connect, Send, SocketState, Dns, Tcp, Datagram),
)
"""Classes of records that facts come from."""


class Behaviour:
    """All facts of one audit, kept up to date by `update`."""

    def __init__(
        self, processes: ProcessTable, names: Names, tokens: Tokens, sockets: Sockets
    ) -> None:
        self._processes = processes
        self._names = names
        self._tokens = tokens
        self._sockets = sockets
        self._facts: dict[tuple[Kind, str], Fact] = {}
        self._counts = dict.fromkeys(Kind, 0)
        self._own: set[str] = set()
        """Addresses of the sandbox: its own, and its resolvers' for questions."""
        self._resolvers: frozenset[str] = frozenset()
        self._placed: tuple[str, ...] = ()
        self._home = ""
        self._began = False
        self._made: dict[str, Open | Link] = {}
        """Files that it made anew and that are still there, by path."""
        self.full: set[Kind] = set()

    @property
    def facts(self) -> tuple[Fact, ...]:
        """In the order of their first time; for after the last event."""
        while self._made:
            path, event = self._made.popitem()
            self._write(event, path)
        written = {fact.value for fact in self._facts.values() if fact.kind is Kind.WRITTEN}
        return tuple(
            fact
            for fact in sorted(self._facts.values(), key=lambda fact: fact.ts)
            if not (fact.kind is Kind.READ and fact.value in written)
        )

    def update(self, event: Event) -> None:
        """Take a record, after processes and names took it."""
        match event:
            case Open():
                self._open(event)
            case Rename():
                self._removed(event)
                self._write(event, destination(event))
            case Link() if event.result >= 0:  # never in place of another file
                self._created(event, destination(event))
            case Link():
                self._write(event, destination(event))
            case Unlink():
                self._removed(event)
            case Truncate():
                self._write(event, resolved(event))
            case Exec():
                self._exec(event)
            case Dns():
                self._dns(event)
            case Door():
                self._door(event)
            case Chmod() if event.mode & _SET_ID:
                self._add(Kind.PRIVILEGE, "chmod set-id", event, f"{event.call} {event.mode:#o}")
            case Memfd():
                self._add(Kind.SYSCALL, "memfd_create", event, "memfd_create")
            case Map() if event.file is None and event.flags & _ANONYMOUS:
                self._add(Kind.SYSCALL, f"{event.call} of executable memory", event, event.call)
            case Audit():
                self._placed = tuple(_tree(placed.dest) for placed in event.spec.target.placed)
                self._home = event.spec.home
            case Start():
                self._home = event.home
                self._own = {canonical(address) or address for address in event.addresses}
                self._resolvers = frozenset(event.resolvers)
            case _:
                self._network(event)

    # --- files ---

    def _open(self, event: Open) -> None:
        flags = event.flags
        if flags & _NO_CONTENT or (event.result < 0 and event.result not in REFUSED):
            return
        if flags & (os.O_ACCMODE | os.O_TRUNC | os.O_CREAT):
            if event.result >= 0 and flags & _EXCLUSIVE == _EXCLUSIVE:
                self._created(event, resolved(event))
            elif opens_for_writing(event):
                self._write(event, resolved(event))
            return
        if event.result < 0:
            return
        path = event.path if event.file is None else event.file
        plain = path if isinstance(path, str) else text(path)
        if plain.startswith(_USUAL_READS) or plain.startswith(self._placed):  # noqa: PIE810
            return
        if plain in self._tokens.folders:  # the home, and folders that we made in it
            return
        if self._tokens.carrier(event) is None:
            self._path(Kind.READ, resolved(event), event, f"{event.call} for reading")

    def _created(self, event: Open | Link, path: str) -> None:
        """A name that was not there before: whether it is scratch shows once it is gone again."""
        if is_temporary(path) or len(self._made) >= MOST:
            self._write(event, path)
        else:
            self._made.setdefault(path, event)

    def _removed(self, event: Rename | Unlink) -> None:
        path = resolved(event)
        made = self._made.pop(path, None) if event.result >= 0 else None
        if made is not None:
            folder = stable_file(posixpath.dirname(path), self._home)
            how, raw = "made and removed or renamed", shown_path(path, self._home)
            self._add(Kind.TEMPORARY, f"{folder}/*", made, how, raw=raw)

    def _write(self, event: FileEvent, path: str) -> None:
        if event.result < 0 and event.result not in REFUSED:
            return
        if path.startswith(_DEVICES) and not is_temporary(path):
            return
        kind = Kind.TEMPORARY if is_temporary(path) else Kind.WRITTEN
        self._path(kind, path, event, f"{event.call} for writing")

    def _path(self, kind: Kind, path: str, event: FileEvent, how: str) -> None:
        value = stable_file(path, self._home)
        if kind is Kind.TEMPORARY:
            value = stable_temporary(value)
        self._add(kind, value, event, how, raw=shown_path(path, self._home))

    # --- processes ---

    def _exec(self, event: Exec) -> None:
        if not self._began:  # the target itself
            self._began = self._processes.root is not None
            return
        path = text(event.path)
        if not path.startswith("/"):
            file = text(event.file)
            same = posixpath.basename(file) == posixpath.basename(path)
            path = file if same or not path else posixpath.join(self._home, path)
        value = stable_file(path, self._home)
        words = " ".join(text(word) for word in event.argv[:4])
        how = f"runs {self._tokens.mask_text(words, 80)}"
        self._add(Kind.CHILD, value, event, how, raw=shown_path(path, self._home))

    def _door(self, event: Door) -> None:
        kind = Kind.PRIVILEGE if event.name in _PRIVILEGES else Kind.SYSCALL
        detail = event.detail if event.name not in ("pass_descriptor", "int80") else ""
        self._add(kind, f"{event.name} {detail}".strip(), event, f"{event.name} {event.detail}")

    # --- network ---

    def _dns(self, event: Dns) -> None:
        name = printable_name(event.qname)
        if not name.endswith(_REVERSE):
            self._add(Kind.DOMAIN, stable_name(name), event, f"asked for {name}", raw=name)

    def _network(self, event: Event) -> None:
        match event:
            case SocketState(new="LISTEN"):
                self._listen(event)
            case SocketState(new="SYN_SENT"):
                self._destination(event, event.address, event.port, "tcp")
            case Connect(family="inet" | "inet6", source="kernel", protocol="tcp"):
                self._destination(event, event.address, event.port, "tcp")
            case Send(family="inet" | "inet6", source="kernel"):
                self._destination(event, event.address, event.port, event.protocol or "udp")
            case Tcp(direction="out", offset=0, closed=False):
                self._destination(event, event.address, event.port, "tcp")
            case Datagram():
                self._destination(event, event.address, event.port, event.protocol)

    def _listen(self, event: SocketState) -> None:
        local = event.local.startswith("127.") or event.local == "::1"
        if event.local_port < _FIRST_EPHEMERAL and not local:
            value = f"{event.local_port}/tcp"
            self._add(Kind.LISTENER, value, event, f"listens on port {value}")

    def _destination(self, event: Event, address: str, port: int, protocol: str) -> None:
        plain = canonical(address) or address
        if plain in self._own or _is_loopback(plain) or (port == 53 and plain in self._resolvers):
            return
        if not self._names.names(plain):
            stable = stable_address(plain)
            self._add(Kind.ADDRESS, stable, event, f"went to {stable}", raw=plain)
        if port:
            value = f"{port}/{protocol}"
            where = self._names.describe(plain, port)
            self._add(Kind.PORT, value, event, f"went to {where} by {protocol}")

    def _add(self, kind: Kind, value: str, event: Event, detail: str, raw: str = "") -> None:
        known = self._facts.get((kind, value))
        if known is not None:
            known.count += getattr(event, "count", 1)
            return
        if self._counts[kind] >= MOST:
            self.full.add(kind)
            return
        self._counts[kind] += 1
        process = self._actor(event)
        self._facts[kind, value] = Fact(kind, value, raw or value, event.ts, process, detail)

    def _actor(self, event: Event) -> ProcessState | None:
        match event:
            case Dns():
                return self._sockets.owner(event.client_port, event.server, 53)
            case Tcp() | Datagram():
                return self._sockets.owner(event.client_port, event.address, event.port)
            case TaskEvent():
                return self._processes.get(event.pid)
        return None


def _tree(placed: str) -> str:
    """Where a placed file's companions lie: its folder, unless that is the root."""
    folder = posixpath.dirname(placed)
    return f"{folder}/" if folder not in ("", "/") else placed


@lru_cache(maxsize=4096)
def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return parsed.is_loopback or parsed.is_unspecified
