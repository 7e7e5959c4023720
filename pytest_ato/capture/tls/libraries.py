"""The TLS libraries of a session's audits: found, watched, told.

Owns what is watched and for how long: a file of the host for the session, one of an audit until it
ends. Each is looked into once. What the finder says of a file is checked by `attach`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from pytest_ato.capture.finder import wire
from pytest_ato.capture.loader.interface import Loader
from pytest_ato.capture.sandbox.initfile import INIT
from pytest_ato.capture.tls import candidates, finder, mapped
from pytest_ato.capture.tls.attach import Attached, attach
from pytest_ato.model.events import Exec, Map, Tls, Watched
from pytest_ato.model.octets import Octets, octets, raw

_PREPARE: Final = 10.0
"""Seconds for looking into what is there before the target starts."""
_SETTLE: Final = 1.0
"""Seconds for what was mapped last."""
_SLOW: Final = 10.0
"""Seconds that the finder may take for one file."""
_LATE: Final = 2000
"""Files of one audit that are looked into after its start."""


@dataclass(frozen=True)
class Identity:
    """What makes a file the one that was looked into."""

    dev: int
    inode: int
    changed: int
    size: int


@dataclass(frozen=True)
class _Order:
    """A file that the finder looks into."""

    path: Octets
    identity: Identity
    descriptor: int
    host: bool
    late: bool


class Libraries:
    """Make it in the main thread. `uid` is an unused user for the finder."""

    def __init__(self, loader: Loader, uid: int) -> None:
        self._loader = loader
        self._uid = uid
        self._idle = Tls not in loader.tells
        """Nothing is ever watched through this loader: it says so itself, once."""
        self._finder = None if self._idle else finder.start(uid)
        self._asked: dict[int, _Order] = {}
        self._count = 0
        self._host: dict[Identity, Attached] = {}
        self._own: dict[Identity, Attached] = {}
        self._seen: set[tuple[int, int]] = set()
        self._late = 0
        self._root = ""
        """Of an audit's image: where its files are here."""

    def look_at_host(self) -> None:
        """Have the host's libraries looked into, without waiting."""
        for path in () if self._idle else candidates.of_host():
            self._ask_path(path, path, host=True)

    def prepare(self, placed: Iterable[tuple[str, Path]]) -> list[Watched]:
        """Watch what an audit has from its start: pairs of a path inside and outside the sandbox.

        Returns what there is to tell: each file that is watched, or should be and can't.
        """
        if self._idle:
            return []
        told = [each.event for each in self._host.values()]
        for inside, outside in placed:
            if inside == "/":
                self._root = str(outside)
                trees, whole = candidates.of_image(outside), True
            else:
                trees, whole = candidates.of_trees([outside])
            for path in trees:
                self._ask_path(str(Path(inside, path.relative_to(outside))), str(path))
            if not whole:
                told.append(_problem(inside, "it has too many files to look into all of them"))
        told += self._answers(_PREPARE)
        init = INIT.stat()
        self._seen = {(i.dev, i.inode) for i in (*self._host, *self._own)}
        self._seen.add((init.st_dev, init.st_ino))  # ours, and watched for the canary
        return [event for event in told if event.functions or event.problem]

    def mapped(self, event: Exec | Map, init: int) -> Iterator[Watched]:
        """Have a file looked into that became code, unless it was before; `init` is the sandbox's
        pid 1."""
        if self._idle or not event.inode or (event.dev, event.inode) in self._seen:
            return
        self._seen.add((event.dev, event.inode))
        self._late += 1
        path = event.file or ""
        if self._late <= _LATE:
            try:
                self._ask(path, mapped.open_code(event, init, self._root), late=True)
            except OSError as error:
                yield _problem(path, str(error), event.dev, event.inode)
        elif self._late == _LATE + 1:
            yield _problem(path, "more files were mapped than are looked into")

    def take(self) -> list[Watched]:
        """What came of files that were looked into meanwhile; never waits."""
        found = self._answers(0.0) if self._asked else []
        return [event for event in found if event.functions or event.problem]

    def settle(self) -> list[Watched]:
        """What came of the last of them, at an audit's end."""
        found = self._answers(_SETTLE)
        return [event for event in found if event.functions or event.problem]

    def forget(self) -> None:
        """An audit is over: give up what was watched of its own files."""
        for number, order in list(self._asked.items()):
            if not order.host:
                os.close(order.descriptor)
                del self._asked[number]
        self._loader.unwatch([one.handle for one in self._own.values()])
        self._own.clear()
        self._seen.clear()
        self._late = 0
        self._root = ""
        late = {key: one for key, one in self._host.items() if one.event.late}
        for key, one in late.items():  # in the next audit, it is watched from the start
            self._host[key] = replace(one, event=msgspec.structs.replace(one.event, late=False))

    def close(self) -> None:
        """End the finder; what is watched ends with the loader."""
        self.forget()
        for order in self._asked.values():
            os.close(order.descriptor)
        self._asked.clear()
        if self._finder is not None:
            self._finder.close()
            self._finder = None

    def _ask_path(self, path: str, place: str, *, host: bool = False) -> None:
        try:
            self._ask(octets(os.fsencode(path)), finder.open_file(place), host=host)
        except OSError as error:
            key = Identity(0, self._count, 0, 0)
            self._count += 1
            held = self._host if host else self._own
            held[key] = Attached(_problem(path, f"it cannot be read: {error.strerror or error}"))

    def _ask(
        self, path: Octets, descriptor: int, *, host: bool = False, late: bool = False
    ) -> None:
        status = os.fstat(descriptor)
        identity = Identity(status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
        asked = (order.identity for order in self._asked.values())
        if identity in self._host or identity in self._own or identity in asked:
            os.close(descriptor)
            return
        host = host or _is_on_host(path, identity)
        self._count += 1
        self._asked[self._count] = _Order(path, identity, descriptor, host, late)
        if self._finder is not None:
            self._finder.ask(self._count, descriptor)

    def _answers(self, seconds: float) -> list[Watched]:
        """Take answers, until there are all or time is up."""
        told: list[Watched] = []
        deadline = time.monotonic() + seconds
        while self._asked:
            if self._finder is None or self._finder.broken:
                told += self._give_up(self._finder.broken if self._finder else "it is not there")
                break
            left = deadline - time.monotonic()
            for answer in self._finder.read(max(0.0, min(left, _SLOW))):
                told.append(self._attach(answer))
            if self._finder.slow(_SLOW):
                self._finder.broken = "it took too long for one file"
            elif left <= 0:
                break
        return told

    def _give_up(self, why: str) -> list[Watched]:
        """Without the finder: say so of each file it did not answer for, and start another."""
        if self._finder is not None:
            self._finder.close()
        self._finder = finder.start(self._uid) if self._finder is not None else None
        orders = list(self._asked)
        problem = f"what looks into files cannot say: {why}"
        return [self._attach(wire.Found(number=number, problem=problem)) for number in orders]

    def _attach(self, answer: wire.Found) -> Watched:
        order = self._asked.pop(answer.number)
        event = Watched(
            ts=time.monotonic_ns(),
            path=order.path,
            dev=order.identity.dev,
            inode=order.identity.inode,
            late=order.late,
        )
        name = os.path.basename(os.fsdecode(raw(order.path)))  # noqa: PTH119
        attached = attach(self._loader, order.descriptor, answer, event)
        if candidates.is_library(name) and not attached.event.functions:
            attached = attached.with_problem(
                "none of the functions of its library were found in it"
            )
        os.close(order.descriptor)
        (self._host if order.host else self._own)[order.identity] = attached
        return attached.event


def _is_on_host(path: Octets, identity: Identity) -> bool:
    """Whether the file that lies at a path of the sandbox is the host's at the same path."""
    with suppress(OSError, ValueError):
        status = os.stat(os.fsdecode(raw(path)))  # noqa: PTH116
        return (status.st_dev, status.st_ino) == (identity.dev, identity.inode)
    return False


def _problem(path: Octets, problem: str, dev: int = 0, inode: int = 0) -> Watched:
    return Watched(ts=time.monotonic_ns(), path=path, dev=dev, inode=inode, problem=problem)
