"""Records of odd doors, told in the kernel's own words.

Owns the names of requests, flags and operations; which of them is bad is a detector's question.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from pytest_ato.capture import abi, addresses, syscalls
from pytest_ato.model.events import Door
from pytest_ato.model.octets import Octets, octets

_DOOR: Final = abi.DOOR_LAYOUT.format
_TEXT: Final = struct.Struct("<96x152s")

# include/uapi/linux/ptrace.h
_PTRACE: Final = {
    0: "PTRACE_TRACEME",
    4: "PTRACE_POKETEXT",
    5: "PTRACE_POKEDATA",
    6: "PTRACE_POKEUSR",
    13: "PTRACE_SETREGS",
    16: "PTRACE_ATTACH",
    0x4205: "PTRACE_SETREGSET",
    0x4206: "PTRACE_SEIZE",
}
# include/uapi/linux/sched.h
_CLONE: Final = {
    0x00000080: "CLONE_NEWTIME",
    0x00020000: "CLONE_NEWNS",
    0x02000000: "CLONE_NEWCGROUP",
    0x04000000: "CLONE_NEWUTS",
    0x08000000: "CLONE_NEWIPC",
    0x10000000: "CLONE_NEWUSER",
    0x20000000: "CLONE_NEWPID",
    0x40000000: "CLONE_NEWNET",
}
# include/linux/socket.h, include/linux/net.h
_FAMILIES: Final = {
    2: "AF_INET",
    10: "AF_INET6",
    15: "AF_KEY",
    17: "AF_PACKET",
    29: "AF_CAN",
    31: "AF_BLUETOOTH",
    38: "AF_ALG",
    40: "AF_VSOCK",
    44: "AF_XDP",
}
_TYPES: Final = {
    1: "SOCK_STREAM",
    2: "SOCK_DGRAM",
    3: "SOCK_RAW",
    5: "SOCK_SEQPACKET",
    10: "SOCK_PACKET",
}
# include/uapi/linux/bpf.h
_BPF: Final = {0: "BPF_MAP_CREATE", 5: "BPF_PROG_LOAD", 18: "BPF_BTF_LOAD", 28: "BPF_LINK_CREATE"}
# include/uapi/linux/io_uring.h, enum io_uring_op
_URING: Final = (
    "NOP", "READV", "WRITEV", "FSYNC", "READ_FIXED", "WRITE_FIXED", "POLL_ADD", "POLL_REMOVE",
    "SYNC_FILE_RANGE", "SENDMSG", "RECVMSG", "TIMEOUT", "TIMEOUT_REMOVE", "ACCEPT",
    "ASYNC_CANCEL", "LINK_TIMEOUT", "CONNECT", "FALLOCATE", "OPENAT", "CLOSE", "FILES_UPDATE",
    "STATX", "READ", "WRITE", "FADVISE", "MADVISE", "SEND", "RECV", "OPENAT2", "EPOLL_CTL",
    "SPLICE", "PROVIDE_BUFFERS", "REMOVE_BUFFERS", "TEE", "SHUTDOWN", "RENAMEAT", "UNLINKAT",
    "MKDIRAT", "SYMLINKAT", "LINKAT", "MSG_RING", "FSETXATTR", "SETXATTR", "FGETXATTR",
    "GETXATTR", "SOCKET", "URING_CMD", "SEND_ZC", "SENDMSG_ZC", "READ_MULTISHOT", "WAITID",
    "FUTEX_WAIT", "FUTEX_WAKE", "FUTEX_WAITV", "FIXED_FD_INSTALL", "FTRUNCATE", "BIND", "LISTEN",
)  # fmt: skip
_USER_MODE_ONLY: Final = 1
"""A flag of userfaultfd, include/uapi/linux/userfaultfd.h."""
_CONNECT: Final = 16
_AIMED: Final = {"ptrace": 1, "process_vm_readv": 0, "process_vm_writev": 0, "pidfd_open": 0,
                 "kcmp": 1, "perf_event_open": 1}  # fmt: skip
"""Which argument is the pid of another process."""


def decode(record: bytes, files: Mapping[tuple[int, int], Octets]) -> Door:
    """One record as an event; `files` has the paths of files seen before, by device and inode."""
    fields = _DOOR.unpack(record)
    ts, tgid, tid, _, _, result, *args = fields[:11]
    inode, dev, what, nr, length, text = fields[11:17]
    name, detail, aim, file, address = "", "", 0, files.get((dev, inode)), addresses.NOWHERE
    if what == abi.DOOR_CALL:
        name = syscalls.name(nr)
        detail = _detail(name, args)
        aim = args[_AIMED[name]] & 0xFFFFFFFF if name in _AIMED else 0
    elif what == abi.DOOR_COMPAT:
        name, detail = "int80", f"call {nr}"
    elif what == abi.DOOR_RIGHTS:
        name, detail = "pass_descriptor", f"{args[0]} descriptor{'s' * (args[0] > 1)}"
    else:
        name, detail = "io_uring", _URING[nr] if nr < len(_URING) else f"operation {nr}"
        if nr == _CONNECT:
            address = addresses.parse(text[:length])
        elif length:
            file = octets(text[:length].split(b"\0", 1)[0])
    return Door(
        ts=ts,
        pid=tgid,
        tid=tid,
        name=name,
        detail=detail,
        aim=aim,
        file=file,
        dev=abi.device(dev) if inode else 0,
        inode=inode,
        address=address.text,
        port=address.port,
        result=result,
    )


def _detail(name: str, args: list[int]) -> str:
    first = args[0]
    match name:
        case "ptrace":
            return _PTRACE.get(first, f"PTRACE_{first}")
        case "clone" | "clone3" | "unshare":
            return _flags(first, _CLONE)
        case "setns":
            return _flags(args[1], _CLONE)
        case "socket":
            family = _FAMILIES.get(first, f"AF_{first}")
            return f"{family} {_TYPES.get(args[1] & 0xF, f'type {args[1] & 0xF}')}"
        case "userfaultfd":
            return "UFFD_USER_MODE_ONLY" if first & _USER_MODE_ONLY else ""
        case "bpf":
            return _BPF.get(first, f"BPF_{first}")
    return ""


def _flags(value: int, names: Mapping[int, str]) -> str:
    return "|".join(name for bit, name in names.items() if value & bit)
