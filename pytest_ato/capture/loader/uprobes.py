"""Attaching programs to functions of files: one link a file, or one a place.

Owns both ways. From Linux 6.6 on a link takes many places (BPF_TRACE_UPROBE_MULTI), and giving it
up costs the kernel one wait; before, each place is a link through perf, with a wait for each.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pytest_ato.capture.loader.interface import Place
from pytest_ato.capture.loader.libbpf import Libbpf, UprobeOptions

_BPF: Final = {"x86_64": 321, "aarch64": 280}
"""Number of bpf(2), which libbpf 1.1 has no function for that knows of many places."""
_LINK_CREATE: Final = 28
MULTI: Final = 48
"""BPF_TRACE_UPROBE_MULTI, the attach type that programs are loaded for."""
_RETURN: Final = 1
_ANYONE: Final = -1
_THREADS: Final = 16


class _LinkCreate(ctypes.Structure):
    """union bpf_attr for BPF_LINK_CREATE, with its part for many uprobes."""

    _fields_ = (
        ("program", ctypes.c_uint32),
        ("target", ctypes.c_uint32),
        ("attach_type", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("path", ctypes.c_uint64),
        ("offsets", ctypes.c_uint64),
        ("semaphores", ctypes.c_uint64),
        ("cookies", ctypes.c_uint64),
        ("count", ctypes.c_uint32),
        ("multi_flags", ctypes.c_uint32),
        ("pid", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
    )


class Uprobes:
    """Attaches the programs `enter` and `leave`, pointers of libbpf's; `multi`: they were loaded
    for `MULTI`."""

    def __init__(self, libbpf: Libbpf, enter: int, leave: int, *, multi: bool) -> None:
        self._libbpf = libbpf
        self._programs = {False: enter, True: leave}
        self._multi = multi
        self._links: dict[int, tuple[int, ...]] = {}
        self._count = 0
        # The kernel waits some 50 ms for each link that goes: for all of them at once in threads.
        self._pool = ThreadPoolExecutor(_THREADS)

    def attach(self, path: str, places: Sequence[Place]) -> int:
        """Attach to all `places` of a file; returns a handle. Raises OSError, and none is then."""
        links: list[int] = []
        try:
            if self._multi:
                for key in sorted({(place.leaves, place.returns) for place in places}):
                    group = [place for place in places if (place.leaves, place.returns) == key]
                    links.append(self._attach_many(path, group))
            else:
                for place in places:
                    links.append(self._attach_one(path, place))
        except OSError:
            self._destroy(links)
            raise
        self._count += 1
        self._links[self._count] = tuple(links)
        return self._count

    def detach(self, handles: Iterable[int]) -> None:
        """Give handles up, without waiting; those that are none any more are passed over."""
        for handle in handles:
            self._destroy(self._links.pop(handle, ()))

    def close(self) -> None:
        """Give all up, and wait for it."""
        self.detach(tuple(self._links))
        self._pool.shutdown()

    def _attach_many(self, path: str, places: Sequence[Place]) -> int:
        name = ctypes.create_string_buffer(os.fsencode(path))
        numbers = ctypes.c_uint64 * len(places)
        offsets = numbers(*(place.offset for place in places))
        cookies = numbers(*(place.cookie for place in places))
        attributes = _LinkCreate(
            program=self._libbpf.call("bpf_program__fd", self._programs[places[0].leaves]),
            attach_type=MULTI,
            path=ctypes.addressof(name),
            offsets=ctypes.addressof(offsets),
            cookies=ctypes.addressof(cookies),
            count=len(places),
            multi_flags=_RETURN if places[0].returns else 0,
        )
        libc = ctypes.CDLL(None, use_errno=True)
        number = _BPF[platform.machine()]
        size = ctypes.c_size_t(ctypes.sizeof(attributes))
        link: int = libc.syscall(number, _LINK_CREATE, ctypes.byref(attributes), size)
        if link < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return link

    def _attach_one(self, path: str, place: Place) -> int:
        options = UprobeOptions(
            size=ctypes.sizeof(UprobeOptions), cookie=place.cookie, returns=place.returns
        )
        return self._libbpf.pointer(
            "bpf_program__attach_uprobe_opts",
            self._programs[place.leaves],
            _ANYONE,
            os.fsencode(path),
            place.offset,
            ctypes.byref(options),
        )

    def _destroy(self, links: Iterable[int]) -> None:
        for link in links:
            self._pool.submit(self._destroy_one, link)

    def _destroy_one(self, link: int) -> None:
        with contextlib.suppress(OSError):
            if self._multi:
                os.close(link)
            else:
                self._libbpf.call("bpf_link__destroy", link)
