"""The running kernel's type information: what is in it, and the part that an object needs.

Owns the way to `kernel_types.c`, which makes that part. Relocates nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import struct
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Final, Self

BTF: Final = Path("/sys/kernel/btf/vmlinux")
LIBRARY: Final = Path(__file__).parents[1] / "objects/kernel_types.so"
_HEADER: Final = struct.Struct("=HBBIIIII")
"""Magic, version and flags, then the header's length, and offset and length of types and names from
its end on (linux/btf.h)."""


class KernelTypes:
    """The type information in the file `path`, as long as it is open."""

    def __init__(self, path: Path = BTF) -> None:
        self._open = contextlib.ExitStack()
        self._file = self._open.enter_context(path.open("rb"))
        try:  # Linux 6.16
            self._data: mmap.mmap | bytes = self._open.enter_context(
                mmap.mmap(self._file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
            )
        except OSError:
            self._data = self._file.read()
        *_, header, _, _, names, _ = _HEADER.unpack(self._data[: _HEADER.size])
        self._names = header + names
        self._part = os.memfd_create("types", os.MFD_CLOEXEC)
        self._open.callback(os.close, self._part)
        self.part = f"/proc/self/fd/{self._part}"
        """File with the part that was cut out."""

    def has_tracepoint(self, name: str) -> bool:
        """Whether the kernel has the tracepoint `name`."""
        return self._data.find(b"\0btf_trace_%s\0" % name.encode(), self._names) >= 0

    def cut(self, needed: bytes) -> None:
        """Fill the part with what programs with the types `needed` can ask for; all, at worst."""
        if not _library().ato_cut_types(self._file.fileno(), needed, len(needed), self._part):
            Path(self.part).write_bytes(self._data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(LIBRARY))
    library.ato_cut_types.restype = ctypes.c_bool
    library.ato_cut_types.argtypes = (
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_int,
    )
    return library
