"""The sinkhole process: ``python -m pytest_ato.capture.sinkhole UID``.

Standard input is the control socket, standard output the stream of events. It starts as root
without capabilities but those to change its user, loads what it needs, and gives them up before
it reads the first byte.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import socket
import struct
import sys

from pytest_ato.capture.sinkhole import limits, warm
from pytest_ato.capture.sinkhole.server import run

_MEMORY = 512 << 20
_ERRORS = 64 << 10
_SPARE_DESCRIPTORS = 64


def drop_privileges(uid: int) -> None:
    """Bound what this process can use, and become `uid` for good: no group, no capability."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits.CONNECTIONS + _SPARE_DESCRIPTORS,) * 2)
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_ERRORS, _ERRORS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _clear_capabilities()  # the kernel has done so for those in effect, not for the inheritable


def _clear_capabilities() -> None:
    # struct __user_cap_header_struct {version 3, this process} and two empty data structs
    header = struct.pack("@Ii", 0x20080522, 0)
    if ctypes.CDLL(None).capset(header, bytes(24)) != 0:
        raise SystemExit("capabilities could not be dropped")


def main() -> None:
    """Serve until capture closes the control socket."""
    warm.up()
    drop_privileges(int(sys.argv[1]))
    control = socket.socket(fileno=os.dup(0))
    control.setblocking(False)
    events = socket.socket(fileno=os.dup(1))
    events.setblocking(False)
    asyncio.run(run(control, events))


main()
