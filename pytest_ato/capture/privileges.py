"""How a helper of capture's gives its privileges up before it reads the first hostile byte."""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from typing import Final

_ERRORS: Final = 64 << 10
"""Bytes that it may write into any file: its standard error."""


def drop(uid: int, *, memory: int, descriptors: int) -> None:
    """Bound what this process can use, and become `uid` for good: no group, no capability.

    `memory` is bytes of its own data. Raises SystemExit where that is refused.
    """
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_ERRORS, _ERRORS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    # struct __user_cap_header_struct {version 3, this process} and two empty data structs: the
    # kernel has cleared those in effect, not the inheritable ones.
    header = struct.pack("@Ii", 0x20080522, 0)
    if ctypes.CDLL(None).capset(header, bytes(24)) != 0:
        raise SystemExit("capabilities could not be dropped")
