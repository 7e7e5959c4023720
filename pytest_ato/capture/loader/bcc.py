"""BCC: for kernels without BTF. The program is compiled here, when a session starts.

Owns the way from the C text to attached probes. Sees less than the core loader does; `probes` and
`BCC_UNSEEN` say what is missing, and no verdict gets better than APPROVE WITH CONDITIONS.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from pytest_ato.capture.loader import bcc_library, headers
from pytest_ato.capture.loader.bcc_library import Module, ModuleType
from pytest_ato.capture.loader.interface import Loader, ProbeState
from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.capture.loader.maps import NAMES, RING_SIZES, Maps
from pytest_ato.capture.probes import BCC_PROBES, BCC_TELLS, BCC_UNSEEN, PROBES, Probe
from pytest_ato.capture.sandbox.mounts import enter_private_mounts, mount_tracefs
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.events import Counters

SOURCE: Final = Path(__file__).parents[1] / "objects/ato.bcc.c"
"""Its headers of ours, abi.h and counts.h, lie beside it."""
_HEADERS: Final = "BCC_KERNEL_SOURCE"
"""Environment variable by which BCC is told where kernel headers are."""
_CATEGORIES: Final = {"task": "task", "sched": "sched", "signal": "signal", "sys": "syscalls"}
"""Category of a tracepoint by the first word of its name, which the probe shares."""
_MISSES: Final = 208
"""Offset of `recursion_misses` in linux/bpf.h's struct bpf_prog_info (from 5.12 on)."""
_RAW: Final = {"exec_return": b"sys_exit"}
"""Probes on raw tracepoints, and which."""


class BccLoader(Loader):
    """Loader through BCC, with perf tracepoints: each takes some 70 ms to detach.

    Raises CaptureUnavailable, in one line with the cure, when BCC or kernel headers are missing.
    """

    name = "bcc"
    declared = BCC_PROBES
    tells = BCC_TELLS
    unseen = BCC_UNSEEN

    def __init__(self, source: Path = SOURCE, ring_sizes: Mapping[str, int] = RING_SIZES) -> None:
        self._folder = bcc_library.find()
        self._headers = headers.find()
        self.loaded = source
        self._sizes = {**RING_SIZES, **ring_sizes}
        self._cleanup = contextlib.ExitStack()
        self._live: dict[str, int] = {}
        """Descriptors of the attached programs."""

    def load(self) -> None:
        if not self.loaded.exists():
            raise CaptureUnavailable(
                f"{self.loaded.name} was not built into this installation: reinstall pytest-ato"
            )
        self._libbpf = Libbpf()
        try:
            # In a thread of its own, whose working directory (which BCC changes) and mounts are
            # not those of the process.
            with _environment(_HEADERS, str(self._headers.source)), ThreadPoolExecutor(1) as pool:
                module = pool.submit(self._compile).result()
            fds = {name: module[name.encode()].get_fd() for name in NAMES}
            self._maps = Maps(self._libbpf, fds, self._sizes)
            self._cleanup.callback(self._maps.close)
        except OSError as error:
            self.close()
            raise CaptureUnavailable(
                f"the kernel refuses to load probes ({error.strerror}): run as root"
            ) from None
        except CaptureUnavailable:
            self.close()
            raise

    def _compile(self) -> Module:
        """Compile, load, attach: whatever needs tracefs."""
        enter_private_mounts()
        mount_tracefs()
        bpf = bcc_library.load(self._folder)
        try:
            module = bpf(text=self.loaded.read_bytes(), cflags=self._flags())
        except Exception:  # the compiler's words are on standard error
            raise CaptureUnavailable(
                f"BCC cannot compile its program with the headers in {self._headers.source}: "
                f"apt-get install linux-headers-{os.uname().release}"
            ) from None
        self._cleanup.callback(module.cleanup)
        for probe in BCC_PROBES:
            self._attach(bpf, module, probe)
        return module

    def _flags(self) -> tuple[str, ...]:
        pages = {name: size // mmap.PAGESIZE for name, size in self._sizes.items()}
        return (
            *self._headers.flags(),
            f"-I{self.loaded.parent}",
            *(f"-D{name.upper()}_PAGES={count}" for name, count in pages.items()),
        )

    def _attach(self, bpf: ModuleType, module: Module, probe: Probe) -> None:
        function = f"ato_{probe.name}".encode()
        try:
            if probe.name in _RAW:
                fd = module.load_func(function, bpf.RAW_TRACEPOINT).fd
                module.attach_raw_tracepoint(tp=_RAW[probe.name], fn_name=function)
            else:
                category = _CATEGORIES[probe.name.split("_")[0]]
                event = f"{category}:{probe.name}".encode()
                fd = module.load_func(function, bpf.TRACEPOINT).fd
                module.attach_tracepoint(tp=event, fn_name=function)
        except Exception as error:  # BCC has no class of its own
            if probe.required:
                raise CaptureUnavailable(
                    f"the probe {probe.name} could not be loaded through BCC ({error}); "
                    "see: ato doctor"
                ) from None
        else:
            self._live[probe.name] = fd

    def attach_cgroup(self, fd: int) -> None:
        """Nothing is attached to cgroups."""

    def detach_cgroup(self) -> None:
        """Nothing is attached to cgroups."""

    def attach_wire(self, interface: int) -> None:
        """Nothing looks at the wire."""

    def take_flows(self) -> list[tuple[bytes, bytes]]:
        return []

    def counters(self) -> Mapping[str, Counters]:
        """Sums over all CPUs since loading, by class.

        What the kernel says that it left out counts as critical and lost: it runs no program of a
        perf tracepoint on a CPU on which somebody was interrupted in the middle of changing a map.
        It says so from Linux 6.7 on, and not whose event it was.
        """
        missed = sum(self._missed(probe.name) for probe in BCC_PROBES if probe.required)
        counters = dict(super().counters())
        critical = counters["critical"]
        counters["critical"] = msgspec.structs.replace(
            critical, produced=critical.produced + missed, lost=critical.lost + missed
        )
        return counters

    def _missed(self, name: str) -> int:
        info = ctypes.create_string_buffer(_MISSES + 8)
        size = ctypes.c_uint32(len(info))
        self._libbpf.call("bpf_obj_get_info_by_fd", self._live[name], info, ctypes.byref(size))
        return int.from_bytes(info.raw[_MISSES:], sys.byteorder)

    def probes(self) -> Mapping[str, ProbeState]:
        answered = {name for probe in BCC_PROBES for name in (probe.name, probe.stands_for)}
        states: dict[str, ProbeState] = {
            probe.name: "not captured" for probe in PROBES if probe.name not in answered
        }
        for probe in BCC_PROBES:
            states[probe.name] = "live" if probe.name in self._live else "missing"
        return states

    def close(self) -> None:
        self._live.clear()
        self._cleanup.close()


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
