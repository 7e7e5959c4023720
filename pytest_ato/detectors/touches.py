"""Honeytoken files as the files themselves tell their use, beside the calls that opened them.

Owns the comparison of the two sources, as sets of (process, file), never by count: the kernel
merges what it tells of one process and one file. Whether a use that no call shows is a read, or
how bad it is, is for others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pytest_ato.detectors.processes import ProcessState, ProcessTable
from pytest_ato.detectors.tokens import Tokens
from pytest_ato.model.events import Door, Honeytoken, Open, Touch
from pytest_ato.model.record import Event

MAX_TOUCHED: Final = 4096
"""Pairs of process and honeytoken that are told apart."""
_MAX_PROCESSES: Final = 65536
_SIDE_DOORS: Final = ("io_uring", "open_by_handle_at", "int80")
"""Doors through which a file is opened without one of the calls that make an `Open` record."""


@dataclass(slots=True)
class Touched:
    """One process's use of one honeytoken file."""

    token: Honeytoken
    process: ProcessState
    ts: int
    """When it was first told; the use was shortly before."""
    access: set[str] = field(default_factory=set)
    """Of open, read, write, close."""


class Touches:
    """All uses of honeytoken files, kept up to date by `update` and `opened`."""

    def __init__(self, tokens: Tokens, processes: ProcessTable) -> None:
        self._tokens = tokens
        self._processes = processes
        self._touched: dict[tuple[int, str], Touched] = {}
        self._opened: dict[tuple[int, str], set[str]] = {}
        self._openers: set[str] = set()
        """Honeytokens that anybody opened, by either source."""
        self._doors: dict[int, set[str]] = {}

    @property
    def any(self) -> bool:
        """Whether a honeytoken file was used so far."""
        return bool(self._touched)

    def update(self, event: Event) -> None:
        """Take a `Touch` or `Door` record."""
        match event:
            case Touch():
                self._touch(event)
            case Door() if event.name in _SIDE_DOORS and event.result >= 0:
                serial = self._processes.actor(event.pid).serial
                if serial in self._doors or len(self._doors) < _MAX_PROCESSES:
                    self._doors.setdefault(serial, set()).add(event.name)

    def opened(self, event: Open, token: Honeytoken) -> None:
        """Take an `Open` of a honeytoken file that was granted."""
        key = (self._processes.actor(event.pid).serial, token.name)
        self._openers.add(token.name)
        if key in self._opened or len(self._opened) < MAX_TOUCHED:
            kinds = self._opened.setdefault(key, set())
            kinds.add("emptied" if event.flags & os.O_TRUNC else "opened")

    def read_unseen(self) -> Iterator[Touched]:
        """Uses that are a read by what the file tells, whether or not a call shows it too.

        A map in memory is read without a trace: an opening without a call counts as a read, unless
        the file was written.
        """
        for key, touched in self._touched.items():
            opened = self._opened.get(key, set())
            if "read" in touched.access:
                if "emptied" not in opened:  # else it is the process's own content
                    yield touched
            elif not opened and "open" in touched.access and "write" not in touched.access:
                yield touched

    def by_side_door(self) -> Iterator[tuple[Touched, str]]:
        """Uses that no call shows, with the door that explains them; empty when none does."""
        for key, touched in self._touched.items():
            if key in self._opened:
                continue
            if "open" not in touched.access and touched.token.name in self._openers:
                continue  # through a descriptor that another process opened
            doors = self._doors.get(touched.process.serial, set())
            yield touched, next((door for door in _SIDE_DOORS if door in doors), "")

    def _touch(self, event: Touch) -> None:
        token = self._tokens.planted(event)
        if token is None:
            return
        if "open" in event.access:
            self._openers.add(token.name)
        process = self._processes.actor(event.pid)
        key = (process.serial, token.name)
        touched = self._touched.get(key)
        if touched is None:
            if len(self._touched) >= MAX_TOUCHED:
                return
            touched = self._touched[key] = Touched(token, process, event.ts)
        touched.access.update(event.access)
