"""Every probe, declared once: what it answers, and whether a verdict can do without it.

Owns the list that loaders attach, coverage reports and `ato doctor` prints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


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
    per_audit: bool = False
    """Attached to the audit's cgroup rather than once a session."""


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
    Probe("connect4", "destinations", per_audit=True),
    Probe("connect6", "destinations", per_audit=True),
    Probe("sendmsg4", "destinations", per_audit=True),
    Probe("sendmsg6", "destinations", per_audit=True),
)
