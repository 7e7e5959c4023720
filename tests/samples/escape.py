#!/usr/bin/python3
"""escape WAY: reach for what lies outside the sandbox, or for what is inside. For sandbox_escape.

All of it is refused or not there; an attempt counts.

engine      connect to the container engine's socket
setting     open core_pattern for writing
cgroup      open release_agent for writing
device      open the first disk
setns       enter the init's namespaces
mount       mount a tmpfs
module      load a kernel module
own_socket  a server and a client on a unix socket of its own
reads       the settings and limits that runtimes read
"""

import contextlib
import ctypes
import os
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)


def try_open(path: str, flags: int) -> None:
    try:
        os.close(os.open(path, flags))
    except OSError as error:
        print(error)


def talk_to_itself() -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("/tmp/docker.sock")
        server.listen()
        client.connect("/tmp/docker.sock")


match sys.argv[1]:
    case "engine":
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.connect("/var/run/docker.sock")
    case "setting":
        try_open("/proc/sys/kernel/core_pattern", os.O_WRONLY)
    case "cgroup":
        try_open("/sys/fs/cgroup/release_agent", os.O_WRONLY)
    case "device":
        try_open("/dev/sda", os.O_RDONLY)
    case "setns":
        libc.setns(os.open("/proc/self/ns/net", os.O_RDONLY), 0)
    case "mount":
        libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)
    case "module":
        libc.syscall(175, None, 0, b"")
    case "own_socket":
        talk_to_itself()
    case "reads":
        for path in (
            *("/proc/self/cgroup", "/proc/sys/kernel/core_pattern", "/proc/self/mountinfo"),
            *("/proc/sys/vm/overcommit_memory", "/sys/fs/cgroup/memory.max", "/dev/null"),
        ):
            try_open(path, os.O_RDONLY)
