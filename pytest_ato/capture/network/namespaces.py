"""Network namespaces without names.

Owns the two system calls and the trick around them: a namespace belongs to a thread, so a helper
thread enters it and ends, and the calling thread never leaves its own.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pytest_ato.model.errors import CaptureUnavailable

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def make() -> int:
    """Return a descriptor of a new network namespace, which lives as long as it is referred to.

    Raises `CaptureUnavailable` where the kernel refuses.
    """

    def unshare() -> int:
        _call("unshare", _CLONE_NEWNET)
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    try:
        return _in_thread(unshare)
    except OSError as error:
        raise CaptureUnavailable(
            f"cannot make a network namespace: {error.strerror}; run as root (CAP_SYS_ADMIN)"
        ) from error


def inside(namespace: int, action: Callable[[], T]) -> T:
    """Run `action` in a thread that has entered the namespace; raises what it raises.

    Sockets that it opens stay in the namespace wherever they are used.
    """

    def enter() -> T:
        _call("setns", namespace, _CLONE_NEWNET)
        return action()

    return _in_thread(enter)


def inode(namespace: int) -> int:
    """Return the number by which the kernel's probes name the namespace."""
    return os.fstat(namespace).st_ino


def path(namespace: int) -> str:
    """Return a path that leads other programs into the namespace while we live."""
    return f"/proc/{os.getpid()}/fd/{namespace}"


def has_ipv6() -> bool:
    """Whether the kernel speaks IPv6 at all."""
    return Path("/proc/net/if_inet6").exists()


def _call(name: str, *args: int) -> None:
    if getattr(_LIBC, name)(*args) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _in_thread(action: Callable[[], T]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(action())
        except BaseException as error:  # carried to the caller's thread, whatever it is
            errors.append(error)

    thread = threading.Thread(target=run, name="netns", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
