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
    40: "sendfile",
    41: "socket",
    42: "connect",
    44: "sendto",
    46: "sendmsg",
    49: "bind",
    56: "clone",
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
    101: "ptrace",
    155: "pivot_root",
    165: "mount",
    166: "umount2",
    175: "init_module",
    176: "delete_module",
    246: "kexec_load",
    250: "keyctl",
    257: "openat",
    263: "unlinkat",
    264: "renameat",
    265: "linkat",
    266: "symlinkat",
    268: "fchmodat",
    272: "unshare",
    275: "splice",
    298: "perf_event_open",
    303: "name_to_handle_at",
    304: "open_by_handle_at",
    307: "sendmmsg",
    308: "setns",
    310: "process_vm_readv",
    311: "process_vm_writev",
    312: "kcmp",
    313: "finit_module",
    316: "renameat2",
    319: "memfd_create",
    320: "kexec_file_load",
    321: "bpf",
    322: "execveat",
    323: "userfaultfd",
    326: "copy_file_range",
    425: "io_uring_setup",
    428: "open_tree",
    429: "move_mount",
    430: "fsopen",
    434: "pidfd_open",
    435: "clone3",
    437: "openat2",
    438: "pidfd_getfd",
    452: "fchmodat2",
}
OPENS: Final = frozenset(
    number for number, name in NAMES.items() if name in ("open", "openat", "openat2", "creat")
)


def name(number: int) -> str:
    """Name of a call, or ``syscall_N``."""
    return NAMES.get(number) or f"syscall_{number}"
