"""The maps that each kernel side of ours has, whoever loaded it: scope, counts, three rings.

Owns their use through descriptors. Loads nothing, and closes no descriptor.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_ato.capture import abi
from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.capture.rings import Ring
from pytest_ato.model.events import Counters

BATCH: Final = 1 << 20
"""Bytes taken from a ring at once: what decodes in some 20 ms, so that draining never starves."""
RING_SIZES: Final = {"critical": 8 << 20, "bulk": 32 << 20, "plain": 32 << 20}
"""Bytes of each ring, powers of two. Bulk holds as many opens as a thread makes in some 0.2 s, for
a machine that keeps us waiting for so long."""
NAMES: Final = ("scope", "counts", *RING_SIZES)


@dataclass(frozen=True)
class Batch:
    """What the rings held at one moment: bytes as they lay there, headers included."""

    drained: int
    """Monotonic time before reading, ns."""
    whole: bool
    """Nothing was left: every record until `drained` is in this batch or an earlier one."""
    critical: bytes
    bulk: bytes
    plain: bytes = b""

    def __bool__(self) -> bool:
        return bool(self.critical or self.bulk or self.plain)

    @property
    def size(self) -> int:
        """Bytes of all."""
        return len(self.critical) + len(self.bulk) + len(self.plain)


class Maps:
    """The maps behind `fds` (by the names of `NAMES`); `sizes` are the rings'."""

    def __init__(self, libbpf: Libbpf, fds: Mapping[str, int], sizes: Mapping[str, int]) -> None:
        self._libbpf = libbpf
        self._fds = fds
        self._cpus = libbpf.call("libbpf_num_possible_cpus")
        self._rings = {name: Ring(fds[name], size) for name, size in sizes.items()}
        self.set_scope(abi.IDLE)

    def set_scope(self, scope: abi.Scope) -> None:
        """Say which audit is live."""
        key = ctypes.c_uint32(0)
        value = scope.pack()
        self._libbpf.call("bpf_map_update_elem", self._fds["scope"], ctypes.byref(key), value, 0)

    def drain(self) -> Batch:
        """Take what the rings hold, without waiting."""
        drained = time.monotonic_ns()
        waiting = {name: ring.backlog() for name, ring in self._rings.items()}
        bulk = self._rings["bulk"].drain(BATCH, abi.STRIDE)
        critical = self._rings["critical"].drain(BATCH)
        plain = self._rings["plain"].drain(BATCH) if "plain" in self._rings else b""
        # What came while we read is for the next turn: a flood would keep us reading for ever.
        taken = {"bulk": len(bulk), "critical": len(critical), "plain": len(plain)}
        whole = all(taken[name] >= size for name, size in waiting.items())
        return Batch(drained, whole, critical, bulk, plain)

    def counters(self) -> Mapping[str, Counters]:
        """Sums over all CPUs since loading, by class."""
        layout = abi.COUNTS_LAYOUT.format
        buffer = ctypes.create_string_buffer(layout.size * self._cpus)
        key = ctypes.c_uint32(0)
        self._libbpf.call("bpf_map_lookup_elem", self._fds["counts"], ctypes.byref(key), buffer)
        per_cpu = list(layout.iter_unpack(buffer.raw))
        names = [name for name, _ in abi.COUNTS_LAYOUT.fields]
        return {
            name: Counters(
                **{
                    field: sum(values[len(abi.CLASSES) * i + index] for values in per_cpu)
                    for i, field in enumerate(names)
                }
            )
            for index, name in enumerate(abi.CLASSES)
        }

    def close(self) -> None:
        """Unmap the rings; must come before their descriptors are closed by whoever made them."""
        for ring in self._rings.values():
            ring.close()
        self._rings.clear()
