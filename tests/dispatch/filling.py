"""Entries of a map of flows by the hundred thousand, as the kernel would make them."""

from __future__ import annotations

import ctypes
import os
import socket
import time
from pathlib import Path

from pytest_ato.capture import flowabi

_AT_ONCE = 1 << 16


def fill(path: Path, flows: int, packets: int) -> None:
    """Have so many flows in the pinned map, each with so many packets out, on one processor."""
    library = ctypes.CDLL("libbpf.so.1", use_errno=True)
    fd = library.bpf_obj_get(os.fsencode(path))
    assert fd >= 0
    now = time.monotonic_ns()
    value = flowabi.VALUE.pack(packets, 0, packets * 100, 0, now, now, 0, 2, 0)
    row = value + bytes(flowabi.VALUE.size * (library.libbpf_num_possible_cpus() - 1))
    try:
        for start in range(0, flows, _AT_ONCE):
            some = range(start, min(flows, start + _AT_ONCE))
            count = ctypes.c_uint32(len(some))
            keys = b"".join(map(_key, some))
            failed = library.bpf_map_update_batch(
                fd, keys, row * len(some), ctypes.byref(count), None
            )
            assert not failed, os.strerror(ctypes.get_errno())
    finally:
        os.close(fd)


def _key(number: int) -> bytes:
    source = (0xC6120000 | number >> 8).to_bytes(4, "big").ljust(16, b"\0")  # 198.18.0.0/15
    destination = bytes([192, 0, 2, 1]).ljust(16, b"\0")
    return flowabi.KEY.pack(
        source, destination, 1024 + (number & 255), 443, 0, 0, socket.AF_INET, 6, 3
    )
