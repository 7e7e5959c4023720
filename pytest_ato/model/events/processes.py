"""Processes, and what they write to their standard streams."""

from __future__ import annotations

from typing import Literal

from pytest_ato.model.octets import Octets
from pytest_ato.model.record import Event, TaskEvent


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


class Output(Event, tag="output", frozen=True, kw_only=True):
    """What the target wrote to its standard output or error."""

    stream: Literal["stdout", "stderr"]
    data: Octets
