"""Which programs ran in which processes, and when, as a tree.

Owns the numbering: by the order of the log, never by pid, which is another in every run and is
used again. Bounded: beyond `KEPT` programs nothing is told apart any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pytest_ato.model.events import Exec, Exit, Fork
from pytest_ato.model.octets import Octets

KEPT: Final = 500
"""Nodes of the tree."""
ARGUMENTS: Final = 64
"""Arguments that a node keeps."""


@dataclass(slots=True)
class Node:
    """One program in one process."""

    number: int
    """1 is the first."""
    parent: int
    """0: none that is known."""
    how: Literal["fork", "exec"]
    start: int
    path: Octets = ""
    argv: tuple[Octets, ...] = ()
    executed: bool = False
    """It runs a program of its own, not that of what forked it."""
    end: int | None = None
    status: int | None = None
    signal: int = 0


class Tree:
    """The tree, kept up to date by `fork`, `exec` and `exit`."""

    def __init__(self) -> None:
        self._nodes: list[Node] = []
        self._by_pid: dict[int, Node] = {}
        self._init = 0

    @property
    def nodes(self) -> tuple[Node, ...]:
        """In the order of the log."""
        return tuple(self._nodes)

    def begin(self, init: int) -> None:
        """Learn which process is the sandbox's own: what it does is no part of the tree."""
        self._init = init

    def number(self, pid: int) -> int:
        """Return the number of what runs in `pid` now; 0 where that is not known."""
        node = self._by_pid.get(pid)
        return node.number if node else 0

    def fork(self, event: Fork) -> None:
        """Take the making of a process."""
        parent = self._by_pid.get(event.pid)
        self._by_pid.pop(event.child, None)  # the pid of one whose end was not seen
        node = self._add(event.child, parent, "fork", event.ts)
        if node and parent:
            node.path, node.argv = parent.path, parent.argv

    def exec(self, event: Exec) -> None:
        """Take the running of a program."""
        if event.pid == self._init:
            return
        node = self._by_pid.get(event.pid)
        if node is None:
            node = self._add(event.pid, self._by_pid.get(event.ppid), "fork", event.ts)
        elif node.executed:
            node.end = event.ts
            node = self._add(event.pid, node, "exec", event.ts)
        if node is not None:
            node.path, node.argv, node.executed = event.path, event.argv[:ARGUMENTS], True

    def exit(self, event: Exit) -> None:
        """Take the end of a process."""
        node = self._by_pid.pop(event.pid, None)
        if node is not None:
            node.end, node.signal = event.ts, event.signal
            node.status = None if event.signal else event.status

    def _add(
        self, pid: int, parent: Node | None, how: Literal["fork", "exec"], ts: int
    ) -> Node | None:
        if len(self._nodes) >= KEPT:
            self._by_pid.pop(pid, None)
            return None
        node = Node(len(self._nodes) + 1, parent.number if parent else 0, how, ts)
        self._nodes.append(node)
        self._by_pid[pid] = node
        return node
