"""The kernel's BPF links, as far as flows need them: make, ask, find, detach.

Owns the structures of libbpf around them. A link lives as long as a descriptor of it, so it ends
with its process, however that ends; and it is told when its interface has gone.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_ato.capture.loader.libbpf import Libbpf

XDP: Final = 37
"""BPF_XDP (Linux 5.9)."""
TCX_EGRESS: Final = 47
"""BPF_TCX_EGRESS (Linux 6.6)."""
GENERIC: Final = 1 << 1
NATIVE: Final = 1 << 2
"""XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE."""
_KINDS: Final = {6: XDP, 11: TCX_EGRESS}
"""Attach type by the type of a link; of TCX the link itself says which."""
_INFO: Final = struct.Struct("=3I4x2I")
"""struct bpf_link_info: type, id, program; interface's index and attach type."""
_NAME: Final = slice(64, 80)
"""Of struct bpf_prog_info."""


class _CreateOptions(ctypes.Structure):
    """Start of struct bpf_link_create_opts."""

    _fields_ = (("size", ctypes.c_size_t), ("flags", ctypes.c_uint32), ("pad", ctypes.c_uint32))


@dataclass(frozen=True)
class Link:
    """What the kernel says of a link."""

    id: int
    kind: int
    """`XDP` or `TCX_EGRESS`."""
    program: int
    """The program's id."""
    interface: int
    """Index; 0 when the interface has gone or somebody has detached the link."""


def create(libbpf: Libbpf, program: int, interface: int, kind: int, flags: int = 0) -> int:
    """Attach a program to an interface of the calling thread's namespace; returns a descriptor."""
    options = _CreateOptions(size=ctypes.sizeof(_CreateOptions), flags=flags)
    return libbpf.call("bpf_link_create", program, interface, kind, ctypes.byref(options))


def describe(libbpf: Libbpf, fd: int) -> Link | None:
    """Ask for a link; None when it is of a kind that is not ours."""
    kind, number, program, interface, attached = _INFO.unpack_from(_info(libbpf, fd))
    known = _KINDS.get(kind)
    if known is None or (known == TCX_EGRESS and attached != TCX_EGRESS):
        return None
    return Link(number, known, program, interface)


def of_program(libbpf: Libbpf, name: str) -> Iterator[Link]:
    """Yield the links of all programs of that name, whoever made them."""
    number = ctypes.c_uint32()
    while True:
        try:
            libbpf.call("bpf_link_get_next_id", number.value, ctypes.byref(number))
        except FileNotFoundError:
            return
        try:
            fd = libbpf.call("bpf_link_get_fd_by_id", number.value)
        except FileNotFoundError:  # it has gone meanwhile
            continue
        try:
            found = describe(libbpf, fd)
        finally:
            os.close(fd)
        if found and program_name(libbpf, found.program) == name:
            yield found


def program_name(libbpf: Libbpf, number: int) -> str:
    """Name of the program with that id; empty when there is none."""
    try:
        fd = libbpf.call("bpf_prog_get_fd_by_id", number)
    except FileNotFoundError:
        return ""
    try:
        return _info(libbpf, fd)[_NAME].rstrip(b"\0").decode(errors="replace")
    finally:
        os.close(fd)


def detach(libbpf: Libbpf, number: int) -> None:
    """Detach a link by its id; whoever holds it is left with a link to nothing."""
    try:
        fd = libbpf.call("bpf_link_get_fd_by_id", number)
    except FileNotFoundError:
        return
    try:
        libbpf.call("bpf_link_detach", fd)
    finally:
        os.close(fd)


def _info(libbpf: Libbpf, fd: int) -> bytes:
    info = ctypes.create_string_buffer(256)
    size = ctypes.c_uint32(len(info))
    libbpf.call("bpf_obj_get_info_by_fd", fd, info, ctypes.byref(size))
    return info.raw
