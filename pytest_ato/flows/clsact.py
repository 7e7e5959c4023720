"""The twin as a filter of clsact, for kernels without tcx: it outlives its maker unless guarded.

Owns the filter and its guardian: a child that waits for our end, however we end, and then takes the
filter away. One that was left nevertheless is replaced by the next.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import Final

from pytest_ato.capture.loader.libbpf import Libbpf

_EGRESS: Final = 1 << 1
_REPLACE: Final = 1 << 0
_HANDLE: Final = 1
_PRIORITY: Final = 2672
"""By which our filter is known; another's is left alone."""


class _Hook(ctypes.Structure):
    """struct bpf_tc_hook."""

    _fields_ = (
        ("size", ctypes.c_size_t),
        ("interface", ctypes.c_int),
        ("point", ctypes.c_int),
        ("parent", ctypes.c_uint32),
    )


class _Options(ctypes.Structure):
    """struct bpf_tc_opts."""

    _fields_ = (
        ("size", ctypes.c_size_t),
        ("program", ctypes.c_int),
        ("flags", ctypes.c_uint32),
        ("id", ctypes.c_uint32),
        ("handle", ctypes.c_uint32),
        ("priority", ctypes.c_uint32),
    )


class Filter:
    """The program at the egress of an interface of the calling thread's namespace.

    Raises OSError. `close` may be called from any thread: the guardian is in the namespace.
    """

    def __init__(self, libbpf: Libbpf, program: int, interface: int) -> None:
        self._libbpf = libbpf
        hook = _hook(interface)
        with contextlib.suppress(FileExistsError):
            libbpf.call("bpf_tc_hook_create", ctypes.byref(hook))
        options = _options(program=program, flags=_REPLACE)
        libbpf.call("bpf_tc_attach", ctypes.byref(hook), ctypes.byref(options))
        end, self._life = os.pipe()
        self._guardian = os.fork()
        if self._guardian == 0:
            self._guard(end, interface)
        os.close(end)

    def close(self) -> None:
        """Have the filter taken away, and wait for it."""
        os.close(self._life)
        os.waitpid(self._guardian, 0)

    def _guard(self, end: int, interface: int) -> None:
        try:
            os.setsid()  # what ends the terminal's jobs is not for us
            os.closerange(0, end)  # our links with them, and others' guardians
            os.closerange(end + 1, os.sysconf("SC_OPEN_MAX"))
            os.read(end, 1)  # until nobody holds the other end
            detach(self._libbpf, interface)
        finally:
            os._exit(0)


def detach(libbpf: Libbpf, interface: int) -> None:
    """Take our filter away from an interface of the calling thread's namespace, if it is there."""
    hook, options = _hook(interface), _options()
    with contextlib.suppress(OSError):
        libbpf.call("bpf_tc_detach", ctypes.byref(hook), ctypes.byref(options))


def _hook(interface: int) -> _Hook:
    return _Hook(size=ctypes.sizeof(_Hook), interface=interface, point=_EGRESS)


def _options(program: int = 0, flags: int = 0) -> _Options:
    return _Options(
        size=ctypes.sizeof(_Options),
        program=program,
        flags=flags,
        handle=_HANDLE,
        priority=_PRIORITY,
    )
