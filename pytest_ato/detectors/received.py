"""Which processes hold bytes from the network: their own, piped to them, or read from a file.

Owns how such bytes are followed from process to process: to what a process forks, through a pipe
between the children of one shell, through files that a holder wrote. Judges nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from pytest_ato.detectors.processes import ProcessState, ProcessTable
from pytest_ato.detectors.sockets import Sockets
from pytest_ato.model.events import Exec, Tcp

_MAX_KNOWN: Final = 65536


class Received:
    """Holders of network bytes, kept up to date by its methods; processes go by their serial."""

    def __init__(self, processes: ProcessTable, sockets: Sockets) -> None:
        self._processes = processes
        self._sockets = sockets
        self._holders: OrderedDict[int, None] = OrderedDict()
        self._fed: OrderedDict[int, None] = OrderedDict()
        """Processes of which a child holds network bytes and writes to a pipe."""
        self._pipe_in: OrderedDict[int, None] = OrderedDict()
        self._pipe_out: OrderedDict[int, None] = OrderedDict()
        self._anyone = False

    def executed(self, event: Exec) -> None:
        """Note where the streams of a process lead."""
        serial = self._processes.actor(event.pid).serial
        _note(self._pipe_in, serial, event.stdio[0] == "pipe")
        _note(self._pipe_out, serial, event.stdio[1] == "pipe")

    def arrived(self, event: Tcp) -> None:
        """Take one record of a connection: bytes that came in have an owner from now on."""
        if (event.direction == "in" and event.data) or event.received:
            owner = self._sockets.owner(event.client_port, event.address, event.port)
            if owner is None:
                self._anyone = True  # whose they are is not known: anybody's
            else:
                self.add(owner)

    def add(self, process: ProcessState) -> None:
        """`process` holds network bytes, and so does whoever reads its pipe."""
        _note(self._holders, process.serial, True)
        parent = _parent(process)
        if parent and process.serial in self._pipe_out:
            _note(self._fed, parent.serial, True)

    def holds_itself(self, process: ProcessState) -> bool:
        """Whether `process` got network bytes itself, whatever its lineage did."""
        return process.serial in self._holders

    def holds(self, process: ProcessState) -> bool:
        """Whether `process` or one that it came from got network bytes so far."""
        if self._anyone or process.serial in self._fed:
            return True
        chain = (*process.ancestors, process)
        for position, state in enumerate(chain):
            if state.serial in self._holders:
                return True
            is_a_subshell = state.image == process.image and state.serial in self._fed
            parent = chain[position - 1] if position else None
            reads_a_pipe = state.serial in self._pipe_in and parent and parent.serial in self._fed
            if is_a_subshell or reads_a_pipe:
                return True
        return False


def _parent(process: ProcessState) -> ProcessState | None:
    """The process that it came from; its ancestors also hold its own former images."""
    others = (state for state in reversed(process.ancestors) if state.serial != process.serial)
    return next(others, None)


def _note(known: OrderedDict[int, None], serial: int, holds: bool) -> None:
    if not holds:
        known.pop(serial, None)
        return
    known[serial] = None
    if len(known) > _MAX_KNOWN:
        known.popitem(last=False)
