"""Which interface is meant: its name, its index, and the network namespace that it is in.

Owns entering namespaces (setns(2), in a thread, so that the file systems of the caller stay: what
enters by ``ip netns exec`` no longer sees /sys/fs/bpf).
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from pytest_ato.capture.network import namespaces
from pytest_ato.model.errors import CaptureUnavailable, UsageError

T = TypeVar("T")

NAMED: Final = Path("/run/netns")
"""Where ip-netns(8) keeps its namespaces."""


class Namespace:
    """A network namespace, open. Indexes of interfaces mean something only inside of it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def inside(self, action: Callable[[], T]) -> T:
        """Run `action` in the namespace; raises what it raises."""
        return namespaces.inside(self._fd, action)

    def index(self, name: str) -> int:
        """Index of an interface; raises UsageError when there is none of that name."""
        try:
            return self.inside(lambda: socket.if_nametoindex(name))
        except (OSError, ValueError):  # ValueError: a NUL byte
            known = ", ".join(sorted(self.names().values()))
            raise UsageError(f"there is no interface {name!r} here; there are: {known}") from None

    def names(self) -> dict[int, str]:
        """The names of all interfaces by index."""
        return dict(self.inside(socket.if_nameindex))


@contextlib.contextmanager
def namespace(which: str | None = None) -> Iterator[Namespace]:
    """Open a namespace: a name of ``ip netns``, a process's id, or a path; None: our own.

    Raises UsageError when there is none, and CaptureUnavailable without the privilege to enter it.
    """
    path = _path(which)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            f"there is no network namespace {which}: {path}: {error.strerror}"
        ) from None
    try:
        if which is not None:
            _try(fd, which)
        yield Namespace(fd)
    finally:
        os.close(fd)


def _path(which: str | None) -> Path:
    if which is None:
        return Path("/proc/self/ns/net")
    if which.isdecimal():
        return Path(f"/proc/{which}/ns/net")
    return Path(which) if "/" in which else NAMED / which


def _try(fd: int, which: str) -> None:
    try:
        namespaces.inside(fd, lambda: None)
    except PermissionError:
        raise CaptureUnavailable(
            f"the network namespace {which} cannot be entered: run as root (CAP_SYS_ADMIN)"
        ) from None
    except OSError:
        raise UsageError(f"{which} is no network namespace") from None
