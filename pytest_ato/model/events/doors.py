"""Ways into the kernel that the other events do not cover."""

from __future__ import annotations

from pytest_ato.model.octets import Octets
from pytest_ato.model.record import Measured, TaskEvent


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
    count: Measured = 1
