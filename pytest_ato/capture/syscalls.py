"""Names of the system calls that the kernel side reports, by number.

Owns the numbers of x86-64 (Linux, arch/x86/entry/syscalls/syscall_64.tbl); a test compares them
with the installed headers.
"""

from __future__ import annotations

from typing import Final

NAMES: Final = {
    2: "open",
    9: "mmap",
    10: "mprotect",
    42: "connect",
    44: "sendto",
    46: "sendmsg",
    49: "bind",
    59: "execve",
    76: "truncate",
    82: "rename",
    84: "rmdir",
    85: "creat",
    86: "link",
    87: "unlink",
    88: "symlink",
    90: "chmod",
    91: "fchmod",
    257: "openat",
    263: "unlinkat",
    264: "renameat",
    265: "linkat",
    266: "symlinkat",
    268: "fchmodat",
    307: "sendmmsg",
    316: "renameat2",
    319: "memfd_create",
    322: "execveat",
    425: "io_uring_setup",
    437: "openat2",
    452: "fchmodat2",
}


def name(number: int) -> str:
    """Name of a call, or ``syscall_N``."""
    return NAMES.get(number, f"syscall_{number}")
