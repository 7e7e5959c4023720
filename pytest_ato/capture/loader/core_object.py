"""One opening of a compiled object by libbpf: some of its programs, and its maps.

Owns libbpf's calls on an object until it is loaded. Attaches nothing.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Collection
from pathlib import Path

from pytest_ato.capture.loader.libbpf import Libbpf, OpenOptions


class CoreObject:
    """The object at `path`, to be relocated against the types in the file `types`.

    Of its programs only those named in `wanted` are loaded. Its maps are those of `shared`, an
    object that is loaded, except for its constants.
    """

    def __init__(
        self,
        libbpf: Libbpf,
        path: Path,
        types: str,
        wanted: Collection[str] = (),
        shared: CoreObject | None = None,
    ) -> None:
        self._libbpf = libbpf
        options = OpenOptions(ctypes.sizeof(OpenOptions), kernel_types=types.encode())
        self._object = libbpf.pointer(
            "bpf_object__open_file", os.fsencode(path), ctypes.byref(options)
        )
        for name, program in libbpf.each("program", self._object).items():
            libbpf.call("bpf_program__set_autoload", program, name in wanted)
        for name, own in libbpf.each("map", self._object).items():
            if shared and not name.endswith(".rodata"):
                libbpf.call("bpf_map__reuse_fd", own, shared.map_fd(name))

    def types(self) -> bytes:
        """Its own type information."""
        size = ctypes.c_uint32()
        types = self._libbpf.pointer("bpf_object__btf", self._object)
        data = self._libbpf.pointer("btf__raw_data", types, ctypes.byref(size))
        return ctypes.string_at(data, size.value)

    def use(self, name: str, fd: int) -> None:
        """Take the map behind a descriptor, which stays the caller's, for the one of that name."""
        self._libbpf.call("bpf_map__reuse_fd", self._map(name), fd)

    def load(self) -> None:
        """Make the maps that are not given, and load the programs.

        Raises OSError; one refused program fails all.
        """
        self._libbpf.call("bpf_object__load", self._object)

    def program(self, name: str) -> int:
        """Libbpf's pointer to a program."""
        return self._libbpf.pointer("bpf_object__find_program_by_name", self._object, name.encode())

    def map_fd(self, name: str) -> int:
        """Descriptor of a map, which this object closes."""
        return self._libbpf.call("bpf_map__fd", self._map(name))

    def close(self) -> None:
        """Unload what is not attached or in use otherwise."""
        self._libbpf.call("bpf_object__close", self._object)

    def _map(self, name: str) -> int:
        return self._libbpf.pointer("bpf_object__find_map_by_name", self._object, name.encode())
