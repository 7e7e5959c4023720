"""The few functions of libbpf that the core loader calls, typed for ctypes.

Owns signatures and error translation. Without a restype a pointer is cut to 32 bits and the next
call crashes; errors of libbpf 1.x are NULL with errno, to be read at once.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
from collections.abc import Callable
from typing import Any

from pytest_ato.model.errors import CaptureUnavailable

_POINTER = ctypes.c_void_p
_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "bpf_object__open_file": (_POINTER, (ctypes.c_char_p, _POINTER)),
    "bpf_object__btf": (_POINTER, (_POINTER,)),
    "btf__raw_data": (_POINTER, (_POINTER, _POINTER)),
    "bpf_object__load": (ctypes.c_int, (_POINTER,)),
    "bpf_object__close": (None, (_POINTER,)),
    "bpf_object__find_map_by_name": (_POINTER, (_POINTER, ctypes.c_char_p)),
    "bpf_object__find_program_by_name": (_POINTER, (_POINTER, ctypes.c_char_p)),
    "bpf_object__next_map": (_POINTER, (_POINTER, _POINTER)),
    "bpf_object__next_program": (_POINTER, (_POINTER, _POINTER)),
    "bpf_map__name": (ctypes.c_char_p, (_POINTER,)),
    "bpf_map__reuse_fd": (ctypes.c_int, (_POINTER, ctypes.c_int)),
    "bpf_program__name": (ctypes.c_char_p, (_POINTER,)),
    "bpf_map__set_max_entries": (ctypes.c_int, (_POINTER, ctypes.c_uint32)),
    "bpf_map__set_pin_path": (ctypes.c_int, (_POINTER, ctypes.c_char_p)),
    "bpf_map__initial_value": (_POINTER, (_POINTER, _POINTER)),
    "bpf_map__fd": (ctypes.c_int, (_POINTER,)),
    "bpf_map_update_elem": (ctypes.c_int, (ctypes.c_int, _POINTER, _POINTER, ctypes.c_uint64)),
    "bpf_map_lookup_elem": (ctypes.c_int, (ctypes.c_int, _POINTER, _POINTER)),
    "bpf_map_get_next_key": (ctypes.c_int, (ctypes.c_int, _POINTER, _POINTER)),
    "bpf_map_delete_elem": (ctypes.c_int, (ctypes.c_int, _POINTER)),
    "bpf_map_lookup_and_delete_elem": (ctypes.c_int, (ctypes.c_int, _POINTER, _POINTER)),
    "bpf_map_lookup_batch": (ctypes.c_int, (ctypes.c_int, *(_POINTER,) * 6)),
    "bpf_map_create": (
        ctypes.c_int,
        (ctypes.c_int, ctypes.c_char_p, *(ctypes.c_uint32,) * 3, _POINTER),
    ),
    "bpf_obj_pin": (ctypes.c_int, (ctypes.c_int, ctypes.c_char_p)),
    "bpf_obj_get": (ctypes.c_int, (ctypes.c_char_p,)),
    "bpf_obj_get_info_by_fd": (ctypes.c_int, (ctypes.c_int, _POINTER, _POINTER)),
    "bpf_program__attach_xdp": (_POINTER, (_POINTER, ctypes.c_int)),
    "bpf_program__attach_uprobe_opts": (
        _POINTER,
        (_POINTER, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, _POINTER),
    ),
    "bpf_prog_test_run_opts": (ctypes.c_int, (ctypes.c_int, _POINTER)),
    "bpf_program__fd": (ctypes.c_int, (_POINTER,)),
    "bpf_program__set_expected_attach_type": (ctypes.c_int, (_POINTER, ctypes.c_int)),
    "bpf_program__set_autoload": (ctypes.c_int, (_POINTER, ctypes.c_bool)),
    "bpf_program__attach": (_POINTER, (_POINTER,)),
    "bpf_program__attach_cgroup": (_POINTER, (_POINTER, ctypes.c_int)),
    "bpf_link__destroy": (ctypes.c_int, (_POINTER,)),
    "bpf_link__fd": (ctypes.c_int, (_POINTER,)),
    "bpf_link_create": (ctypes.c_int, (ctypes.c_int, ctypes.c_int, ctypes.c_int, _POINTER)),
    "bpf_link_detach": (ctypes.c_int, (ctypes.c_int,)),
    "bpf_link_get_next_id": (ctypes.c_int, (ctypes.c_uint32, _POINTER)),
    "bpf_link_get_fd_by_id": (ctypes.c_int, (ctypes.c_uint32,)),
    "bpf_prog_get_fd_by_id": (ctypes.c_int, (ctypes.c_uint32,)),
    "bpf_prog_query": (
        ctypes.c_int,
        (ctypes.c_int, ctypes.c_int, ctypes.c_uint32, _POINTER, _POINTER, _POINTER),
    ),
    "bpf_xdp_query": (ctypes.c_int, (ctypes.c_int, ctypes.c_int, _POINTER)),
    "bpf_tc_hook_create": (ctypes.c_int, (_POINTER,)),
    "bpf_tc_attach": (ctypes.c_int, (_POINTER, _POINTER)),
    "bpf_tc_detach": (ctypes.c_int, (_POINTER, _POINTER)),
    "libbpf_num_possible_cpus": (ctypes.c_int, ()),
    "libbpf_set_print": (_POINTER, (_POINTER,)),
}


class OpenOptions(ctypes.Structure):
    """struct bpf_object_open_opts, as far as it is used."""

    _fields_ = (
        ("size", ctypes.c_size_t),
        ("name", ctypes.c_char_p),
        ("relaxed_maps", ctypes.c_bool),
        ("pin_root", ctypes.c_char_p),
        ("unused", ctypes.c_uint64),
        ("kconfig", ctypes.c_char_p),
        ("kernel_types", ctypes.c_char_p),
    )


class UprobeOptions(ctypes.Structure):
    """struct bpf_uprobe_opts."""

    _fields_ = (
        ("size", ctypes.c_size_t),
        ("semaphore", ctypes.c_size_t),
        ("cookie", ctypes.c_uint64),
        ("returns", ctypes.c_bool),
        ("function", ctypes.c_char_p),
    )


class TestRunOptions(ctypes.Structure):
    """struct bpf_test_run_opts."""

    _fields_ = (
        ("size", ctypes.c_size_t),
        ("data", ctypes.c_char_p),
        ("data_out", ctypes.c_void_p),
        ("data_size", ctypes.c_uint32),
        ("data_size_out", ctypes.c_uint32),
        ("context", ctypes.c_char_p),
        ("context_out", ctypes.c_void_p),
        ("context_size", ctypes.c_uint32),
        ("context_size_out", ctypes.c_uint32),
        ("verdict", ctypes.c_uint32),
        ("repeat", ctypes.c_int),
        ("duration", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("cpu", ctypes.c_uint32),
        ("batch_size", ctypes.c_uint32),
    )


_PRINTER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class Libbpf:
    """`libbpf.so.1`; every failed call becomes an `OSError` with its errno."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL("libbpf.so.1", use_errno=True)
        except OSError:
            raise CaptureUnavailable(
                "libbpf 1.x is not installed: apt-get install libbpf1"
            ) from None
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        self._log: list[str] = []
        self._printer = _PRINTER(self._remember)  # libbpf keeps only the pointer
        self._library.libbpf_set_print(self._printer)

    def _remember(self, level: int, form: bytes, arguments: int) -> int:
        """Keep warnings (level 0): the reason of a failure is told nowhere else."""
        if level == 0 and len(self._log) < 20:
            line = ctypes.create_string_buffer(512)
            ctypes.CDLL(None).vsnprintf(line, len(line), form, ctypes.c_void_p(arguments))
            self._log.append(line.value.decode(errors="replace").strip())
        return 0

    def last_words(self) -> str:
        """First warning since the last call of this, or an empty string."""
        words = next((line for line in self._log if line and "BEGIN PROG LOAD LOG" not in line), "")
        self._log.clear()
        return words.splitlines()[0] if words else ""

    def call(self, name: str, *arguments: object) -> int:
        """Call a function; a NULL pointer or negative result raises OSError."""
        function: Callable[..., int | None] = getattr(self._library, name)
        ctypes.set_errno(0)
        result = function(*arguments)
        if result is None:
            if _SIGNATURES[name][0] is None:
                return 0
            raise _error(ctypes.get_errno() or errno.EINVAL)
        if result < 0:
            raise _error(-result)
        return result

    def pointer(self, name: str, *arguments: object) -> int:
        """Call a function that returns a pointer."""
        return self.call(name, *arguments)

    def each(self, kind: str, opened: int) -> dict[str, int]:
        """All of an object's maps or programs (`kind`: map, program), by name."""
        following = getattr(self._library, f"bpf_object__next_{kind}")
        name = getattr(self._library, f"bpf_{kind}__name")
        found = {}
        one = following(opened, None)
        while one:
            found[name(one).decode()] = one
            one = following(opened, one)
        return found


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
