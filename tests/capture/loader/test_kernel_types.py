"""The part of the kernel's type information that the core loader gives to libbpf."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ato.capture.loader.core import OBJECT
from pytest_ato.capture.loader.core_object import CoreObject
from pytest_ato.capture.loader.kernel_types import BTF, KernelTypes
from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.capture.probes import PROBES

OTHER_KERNELS = ("io_uring_submit_req", "io_uring_submit_sqe")
INSTRUCTION = 8
LOADS_ADDRESS = 0x18
"""Opcode of an instruction whose immediate value is a map's descriptor, another in each load."""


@pytest.fixture
def needed() -> Iterator[bytes]:
    """Type information of the object for audits."""
    opened = CoreObject(Libbpf(), OBJECT, str(BTF))
    yield opened.types()
    opened.close()


def relocated(types: str) -> dict[str, bytes]:
    """Load the object; return each program's instructions, without what differs by load."""
    library = ctypes.CDLL("libbpf.so.1")
    library.bpf_program__insns.restype = ctypes.c_void_p
    library.bpf_program__insns.argtypes = (ctypes.c_void_p,)
    library.bpf_program__insn_cnt.restype = ctypes.c_size_t
    library.bpf_program__insn_cnt.argtypes = (ctypes.c_void_p,)
    with KernelTypes() as kernel:
        absent = [name for name in OTHER_KERNELS if not kernel.has_tracepoint(name)]
    names = [name for probe in PROBES for name in probe.alternatives or (probe.name,)]
    wanted = [f"ato_{name}" for name in names if name not in absent]
    opened = CoreObject(Libbpf(), OBJECT, types, wanted)
    opened.load()
    found = {}
    for name in wanted:
        program = opened.program(name)
        size = library.bpf_program__insn_cnt(program) * INSTRUCTION
        text = ctypes.string_at(library.bpf_program__insns(program), size)
        words = (text[at : at + INSTRUCTION] for at in range(0, size, INSTRUCTION))
        found[name] = b"".join(w[:4] if w[0] == LOADS_ADDRESS else w for w in words)
    opened.close()
    return found


@pytest.mark.privileged
def test_every_instruction_is_as_with_all_types(needed: bytes) -> None:
    with KernelTypes() as kernel:
        kernel.cut(needed)
        assert Path(kernel.part).stat().st_size < BTF.stat().st_size / 20
        part = relocated(kernel.part)
    assert part == relocated(str(BTF))
    assert {"ato_sys_enter", "ato_sys_exit", "ato_tls_enter", "ato_wire"} <= set(part)


def test_tracepoints_are_found_by_their_whole_name() -> None:
    with KernelTypes() as kernel:
        assert kernel.has_tracepoint("sched_process_exit")
        assert not kernel.has_tracepoint("sched_process_exi")


def test_what_an_object_does_not_name_is_left_out(needed: bytes) -> None:
    with KernelTypes() as kernel:
        kernel.cut(needed)
        part = Path(kernel.part).read_bytes()
    assert b"\0task_struct\0" in part
    assert b"\0btf_trace_sched_process_exit\0" not in part


@pytest.mark.parametrize("odd", ["no-types", "cut-off"])
def test_all_types_are_given_where_an_object_s_are_not_understood(needed: bytes, odd: str) -> None:
    with KernelTypes() as kernel:
        kernel.cut(b"no types" if odd == "no-types" else needed[:-100])
        assert Path(kernel.part).read_bytes() == BTF.read_bytes()


def test_all_types_are_given_where_the_kernel_s_have_a_kind_of_later_days(
    needed: bytes, tmp_path: Path
) -> None:
    whole = bytearray(BTF.read_bytes())
    start = int.from_bytes(whole[4:8], "little")  # the first type; its kind is in byte 7
    whole[start + 7] = whole[start + 7] & 0xE0 | 31
    path = tmp_path / "vmlinux"
    path.write_bytes(whole)
    with KernelTypes(path) as kernel:
        kernel.cut(needed)
        assert Path(kernel.part).read_bytes() == whole
