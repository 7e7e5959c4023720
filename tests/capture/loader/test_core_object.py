"""Groups of programs of one object, loaded one after the other."""

from __future__ import annotations

import ctypes

import pytest

from pytest_ato.capture.loader.core import OBJECT
from pytest_ato.capture.loader.core_object import CoreObject
from pytest_ato.capture.loader.kernel_types import BTF
from pytest_ato.capture.loader.libbpf import Libbpf

pytestmark = pytest.mark.privileged

SHARED = ("scope", "counts", "critical", "bulk", "plain", "tls_calls", "tls_threads", ".bss")


def map_id(libbpf: Libbpf, fd: int) -> int:
    """The kernel's number of a map: the second field of struct bpf_map_info."""
    info, size = (ctypes.c_uint32 * 32)(), ctypes.c_uint32(128)
    libbpf.call("bpf_obj_get_info_by_fd", fd, info, ctypes.byref(size))
    return info[1]


def test_a_second_group_has_the_maps_of_the_first_but_for_constants() -> None:
    libbpf = Libbpf()
    first = CoreObject(libbpf, OBJECT, str(BTF))
    first.load()
    second = CoreObject(libbpf, OBJECT, str(BTF), {"ato_connect4"}, first)
    second.load()
    try:
        for name in SHARED:
            assert map_id(libbpf, first.map_fd(name)) == map_id(libbpf, second.map_fd(name)), name
        constants = [map_id(libbpf, group.map_fd(".rodata")) for group in (first, second)]
        assert constants[0] != constants[1]
    finally:
        second.close()
        first.close()


def test_only_what_is_wanted_is_loaded() -> None:
    libbpf = Libbpf()
    group = CoreObject(libbpf, OBJECT, str(BTF), {"ato_connect4"})
    group.load()
    try:
        assert libbpf.call("bpf_program__fd", group.program("ato_connect4")) > 0
        with pytest.raises(OSError):
            libbpf.call("bpf_program__fd", group.program("ato_connect6"))
    finally:
        group.close()
