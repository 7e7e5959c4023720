"""Every probe, declared once: what it answers, and whether a verdict can do without it.

Owns the lists that the loaders attach, coverage reports and `ato doctor` prints, and what a loader
cannot see at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pytest_ato.model.events import (
    Bind,
    Chmod,
    Connect,
    Door,
    Exec,
    Exit,
    Flow,
    Fork,
    Link,
    Map,
    Memfd,
    Open,
    Rename,
    Send,
    SocketState,
    Tls,
    Truncate,
    Unlink,
)
from pytest_ato.model.record import Event

Place = Literal["session", "cgroup", "wire", "file"]


@dataclass(frozen=True)
class Probe:
    """One attached program."""

    name: str
    """Of the program, without its prefix."""
    question: str
    """What it is a source for: processes, files, destinations, connections."""
    required: bool = True
    alternatives: tuple[str, ...] = ()
    """Programs of which the first that the kernel has is taken; empty: the one of this name."""
    place: Place = "session"
    """What it is attached to: something of the kernel, once a session; the audit's cgroup, or its
    end of the wire; functions of files."""
    proven: bool = True
    """The sandbox's init makes a call that it must see, before the target and after it."""
    stands_for: str = ""
    """Probe of the other loader whose question it answers as well."""


PROBES: Final = (
    Probe("sys_enter", "files and destinations"),
    Probe("sys_exit", "files and destinations"),
    Probe("sched_process_fork", "processes"),
    Probe("sched_process_exec", "processes"),
    Probe("sched_process_exit", "processes"),
    Probe("inet_sock_set_state", "connections"),
    Probe(
        "io_uring",
        "odd doors",
        required=False,
        alternatives=("io_uring_submit_req", "io_uring_submit_sqe"),  # from 6.4; before
    ),
    Probe("connect4", "destinations", place="cgroup"),
    Probe("connect6", "destinations", place="cgroup"),
    Probe("sendmsg4", "destinations", place="cgroup"),
    Probe("sendmsg6", "destinations", place="cgroup"),
    Probe("wire", "destinations", required=False, place="wire", proven=False),
    # Sleepable programs came with Linux 6.0.
    Probe(
        "tls_enter",
        "plaintext of TLS",
        required=False,
        alternatives=("tls_enter", "tls_enter_awake"),
        place="file",
    ),
    Probe(
        "tls_leave",
        "plaintext of TLS",
        required=False,
        alternatives=("tls_leave", "tls_leave_awake"),
        place="file",
    ),
)
"""Of the core loader."""

BCC_PROBES: Final = (
    Probe("task_newtask", "processes", stands_for="sched_process_fork"),
    # An exec by a call that is not known counts as unread, so these two need no other proof.
    Probe("sys_enter_execve", "processes", proven=False),
    Probe("sys_enter_execveat", "processes", proven=False),
    Probe("sched_process_exec", "processes"),
    Probe("exec_return", "processes"),
    Probe("sched_process_exit", "processes"),
    # How a process ended, which no verdict rests on.
    Probe("sys_enter_exit_group", "processes", required=False, proven=False),
    Probe("sys_enter_exit", "processes", required=False, proven=False),
    Probe("signal_generate", "processes", required=False, proven=False),
    Probe("sys_enter_openat", "files"),
    Probe("sys_exit_openat", "files"),
    Probe("sys_enter_connect", "destinations"),
    Probe("sys_exit_connect", "destinations"),
    Probe("sys_enter_sendto", "destinations"),
    Probe("sys_exit_sendto", "destinations"),
    Probe("sys_enter_sendmsg", "destinations", proven=False),
    Probe("sys_exit_sendmsg", "destinations", proven=False),
    Probe("sys_enter_sendmmsg", "destinations", proven=False),
    Probe("sys_exit_sendmmsg", "destinations", proven=False),
)
"""Of the bcc loader."""

BCC_TELLS: Final[tuple[type[Event], ...]] = (Fork, Exec, Exit, Open, Connect, Send)
"""Events that the bcc loader's kernel side tells."""

CORE_TELLS: Final[tuple[type[Event], ...]] = (
    *BCC_TELLS,
    *(Rename, Link, Unlink, Truncate, Chmod, Map, Memfd),
    *(Bind, SocketState, Door, Flow, Tls),
)
"""Events that the core loader's kernel side tells."""

BCC_UNSEEN: Final = (
    "files that are opened in another way than openat",
    "what TLS libraries are given (only the proxy sees inside TLS)",
    "renames, links and deletions",
    "memory that is made executable",
    "where a relative path or a link leads",
    "what image a script runs in and what its standard streams are",
    "the kernel's own record of destinations",
    "TCP connection states",
    "32-bit calls, io_uring and other odd doors",
    "packets on the wire that no socket sent",
)
"""What the bcc loader cannot see, in words that follow "does not see"."""
