"""Which process read which honeytoken file, and how much that says about it.

A read is a call that opened the file, or what the file itself tells: either is enough, and both
are one. Owns the rating of a read, which several detectors rest on. Client libraries open their
credential file on every connection, and a backup reads the whole home: these are told apart from a
thief by what else the same process did, so a rating stands only after the last event.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from posixpath import dirname
from typing import Final

from pytest_ato.detectors.processes import ProcessState, ProcessTable
from pytest_ato.detectors.tokens import Tokens
from pytest_ato.detectors.touches import Touched, Touches
from pytest_ato.model.events import Connect, Honeytoken, Open, Send
from pytest_ato.model.findings import Severity

MAX_READS: Final = 4096
"""Pairs of process and honeytoken that are told apart; later ones count for an earlier reader."""
MAX_PROCESSES: Final = 65536
"""Processes whose connections and listings are remembered."""
_O_PATH: Final = 0o10000000

_CLIENT_SOCKETS: Final = {
    "netrc": ("inet", "inet6"),
    "postgres": ("inet", "inet6", ".s.PGSQL."),
    "docker": ("inet", "inet6", ".sock"),
}
"""Families whose file a client library opens for each connection, and how that connection shows:
an address family, or a part of a unix socket's name."""
_CONNECTIONS: Final = tuple(sorted({kind for kinds in _CLIENT_SOCKETS.values() for kind in kinds}))
_WALK_SHARE: Final = 2 / 3
_WALK_LEAST: Final = 3


@dataclass(slots=True)
class Read:
    """All reads of one honeytoken file by one process."""

    token: Honeytoken
    process: ProcessState
    ts: int
    """Time of the first."""
    count: int
    rating: Severity = Severity.HIGH
    """Set by `Reads.rated`: high, medium (part of a walk over the home), info (a client's)."""
    unseen: bool = False
    """No call shows that it opened the file: the file itself told."""

    @property
    def text(self) -> str:
        """What happened, as evidence: by whom, which file, how often."""
        path = f"~/{self.token.path}"
        if self.unseen:
            return f"{self.process.label} read {path} without a call that opens it"
        times = "" if self.count == 1 else f" {self.count} times"
        return f"{self.process.label} opened {path} for reading{times}"


class Reads:
    """All reads of honeytoken files, kept up to date by `opened` and `connected`."""

    def __init__(self, tokens: Tokens, processes: ProcessTable, touches: Touches) -> None:
        self._tokens = tokens
        self._processes = processes
        self._touches = touches
        self._reads: dict[tuple[int, str], Read] = {}
        self._last_of: dict[str, Read] = {}
        self._listed: dict[int, set[str]] = {}
        self._connected: dict[int, set[str]] = {}

    @property
    def any(self) -> bool:
        """Whether a honeytoken file was read so far."""
        return bool(self._reads) or self._touches.any

    def rated(self, leaked: Iterable[str] = ()) -> tuple[Read, ...]:
        """All reads with their rating, in the order of time; for after the last event.

        `leaked` names the honeytokens whose value was seen outside its file.
        """
        reads = tuple(sorted((*self._reads.values(), *self._unseen()), key=lambda read: read.ts))
        walkers = self._walkers(reads)
        families = _Families(reads)
        kept = frozenset(leaked)
        for read in reads:
            if read.process.serial in walkers:
                read.rating = Severity.MEDIUM
            elif read.token.name not in kept and self._is_client(read, families):
                read.rating = Severity.INFO
            else:
                read.rating = Severity.HIGH
        return reads

    def opened(self, event: Open) -> None:
        """Take an `Open` record."""
        flags = event.flags
        if event.result < 0 or flags & _O_PATH:
            return
        token = self._tokens.carrier(event)
        if token is None:
            folder = self._tokens.folders.get(event.path if event.file is None else event.file)
            if folder is not None:
                self._note(self._listed, event.pid, folder)
            return
        self._touches.opened(event, token)
        if flags & os.O_ACCMODE != os.O_WRONLY and not flags & os.O_TRUNC:
            self._read(event, token)

    def _read(self, event: Open, token: Honeytoken) -> None:
        process = self._processes.actor(event.pid)
        key = (process.serial, token.name)
        read = self._reads.get(key)
        if read is None and len(self._reads) >= MAX_READS:
            read = self._last_of.get(token.name)
        if read is None:
            read = Read(token=token, process=process, ts=event.ts, count=0)
            self._reads[key] = self._last_of[token.name] = read
        read.count += event.count

    def _unseen(self) -> Iterator[Read]:
        """Reads that no `Open` tells: neither the process's own, nor, for a descriptor that it was
        given, one of those that it came from."""
        known = set(self._reads)
        for touched in sorted(self._touches.read_unseen(), key=_was_given):
            serials = {touched.process.serial}
            if _was_given(touched):
                serials.update(state.serial for state in touched.process.ancestors)
            keys = {(serial, touched.token.name) for serial in serials}
            if known.isdisjoint(keys):
                known |= {(touched.process.serial, touched.token.name)}
                yield Read(touched.token, touched.process, touched.ts, count=1, unseen=True)

    def connected(self, event: Connect | Send) -> None:
        """Take a `Connect` or `Send` record."""
        for kind in _CONNECTIONS:
            if event.family == kind or (event.family == "unix" and kind in event.address):
                self._note(self._connected, event.pid, kind)

    def _note(self, notes: dict[int, set[str]], pid: int, what: str) -> None:
        serial = self._processes.actor(pid).serial
        if serial in notes or len(notes) < MAX_PROCESSES:
            notes.setdefault(serial, set()).add(what)

    def _walkers(self, reads: Iterable[Read]) -> set[int]:
        """Serials of the processes that read most planted files while they (or the process that
        made them) listed the home and each folder whose file they read: a thief who knows where
        things are lists nothing."""
        by_process: dict[int, list[Read]] = {}
        for read in reads:
            by_process.setdefault(read.process.serial, []).append(read)
        most = max(_WALK_LEAST, _WALK_SHARE * len(self._tokens.files))
        walkers: set[int] = set()
        for serial, own in by_process.items():
            listed: set[str] = set()
            for state in (*own[0].process.ancestors, own[0].process):
                listed |= self._listed.get(state.serial, set())
            folders = {"", *(dirname(read.token.path) for read in own)}
            if len(own) >= most and folders <= listed:
                walkers.add(serial)
        return walkers

    def _is_client(self, read: Read, families: _Families) -> bool:
        kinds = _CLIENT_SOCKETS.get(read.token.family)
        return (
            kinds is not None
            and not self._connected.get(read.process.serial, set()).isdisjoint(kinds)
            and families.around(read.process) == {read.token.family}
        )


def _was_given(touched: Touched) -> bool:
    """Whether another process opened the file that this one read."""
    return "open" not in touched.access


class _Families:
    """Families that were read in one line of processes, or by one image and its forks."""

    def __init__(self, reads: Iterable[Read]) -> None:
        self._below: dict[int, set[str]] = {}
        self._own: dict[int, set[str]] = {}
        self._image: dict[int, set[str]] = {}
        for read in reads:
            process, family = read.process, read.token.family
            self._own.setdefault(process.serial, set()).add(family)
            self._image.setdefault(process.image, set()).add(family)
            for state in (*process.ancestors, process):
                self._below.setdefault(state.serial, set()).add(family)

    def around(self, process: ProcessState) -> set[str]:
        """What `process`, what it came from and what came from it read."""
        found = self._below.get(process.serial, set()) | self._image.get(process.image, set())
        for state in process.ancestors:
            found |= self._own.get(state.serial, set())
        return found
