"""CO-RE: the compiled object, relocated by libbpf against the running kernel's BTF."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_ato.capture import flowabi
from pytest_ato.capture.loader.core_object import CoreObject
from pytest_ato.capture.loader.interface import Loader, Place, ProbeState
from pytest_ato.capture.loader.kernel_types import BTF, KernelTypes
from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.capture.loader.maps import NAMES, RING_SIZES, Maps
from pytest_ato.capture.loader.uprobes import MULTI, Uprobes
from pytest_ato.capture.probes import CORE_TELLS, PROBES, Probe
from pytest_ato.capture.sandbox.initfile import INIT, canary_places
from pytest_ato.model.errors import CaptureUnavailable

OBJECT: Final = Path(__file__).parents[1] / "objects/ato.bpf.o"
_FILES: Final = tuple(probe.name for probe in PROBES if probe.place == "file")


@dataclass(frozen=True)
class _Way:
    """What to ask a kernel for."""

    probes: tuple[Probe, ...] = PROBES
    multi: bool = False
    """One link for many places (6.6)."""
    without: tuple[str, ...] = ()
    """Programs that have a twin in their place."""


_WAYS: Final = (
    _Way(multi=True),
    _Way(),
    _Way(without=_FILES),  # that sleep (6.0)
    _Way(probes=tuple(probe for probe in PROBES if probe.required)),
)
"""The best first."""
_RING: Final = 27
"""BPF_MAP_TYPE_RINGBUF."""
_LINK_INFO: Final = 64
_LINK_PLACE: Final = slice(16, 24)
"""Where struct bpf_link_info (Linux 5.15) has the cgroup's id or the interface's index; 0: none."""


class CoreLoader(Loader):
    """Loader through libbpf, with BTF tracepoints: they detach in well under a millisecond."""

    name = "core"
    declared = PROBES
    tells = CORE_TELLS

    def __init__(
        self, object_path: Path = OBJECT, ring_sizes: Mapping[str, int] = RING_SIZES
    ) -> None:
        self.loaded = object_path
        self._sizes = {**RING_SIZES, **ring_sizes}
        self._cleanup = contextlib.ExitStack()
        self._links: dict[str, int] = {}
        self._programs: dict[str, int] = {}
        """By probe: libbpf's pointer."""
        self._way = _WAYS[0]
        self._uprobes: Uprobes | None = None
        self._canary = 0

    def load(self) -> None:
        if not BTF.exists():
            raise CaptureUnavailable(
                f"the kernel has no BTF ({BTF} is missing): use a kernel built with "
                "CONFIG_DEBUG_INFO_BTF=y"
            )
        if not self.loaded.exists():
            raise CaptureUnavailable(
                f"{self.loaded.name} was not built into this installation: reinstall pytest-ato"
            )
        self._libbpf = Libbpf()
        reason = ""
        # One refused program fails the whole load: then again, asking for less.
        for way in _WAYS:
            self._way = way
            try:
                self._load_way()
                self._attach_session()
                return
            except OSError as error:
                reason = _explain(error, self._libbpf.last_words())
                self.close()
        raise CaptureUnavailable(reason)

    def _attach_session(self) -> None:
        for probe in self._way.probes:
            if probe.place == "session" and probe.name in self._programs:
                self._attach(probe.name, "bpf_program__attach")

    def _watch_canary(self) -> None:
        """Watch init's own function: so the proof of liveness holds for probes on files, too."""
        if not all(name in self._programs for name in _FILES):
            return
        enter, leave = (self._programs[name] for name in _FILES)
        self._uprobes = Uprobes(self._libbpf, enter, leave, multi=self._way.multi)
        self._canary = self._uprobes.attach(str(INIT), canary_places())

    def watch(self, path: str, places: Sequence[Place]) -> int:
        return self._uprobes.attach(path, places) if self._uprobes else 0

    def unwatch(self, handles: Iterable[int]) -> None:
        if self._uprobes:
            self._uprobes.detach(handles)

    def _load_way(self) -> None:
        """Make the rings at once and the other maps, then load two groups of programs at once.

        Those on the kernel's tracepoints make libbpf read all of its types. Beside them is time for
        the others, and for what the kernel waits for as the first place in a file is watched.
        """
        with KernelTypes(BTF) as kernel, ThreadPoolExecutor(2) as beside:
            rings = {
                name: beside.submit(self._make_ring, name, size)
                for name, size in self._sizes.items()
            }
            maps = self._opened(kernel)
            chosen = self._choose_programs(kernel)
            on_tracepoints = {name for probe, name in chosen.items() if probe.place == "session"}
            kernel.cut(maps.types())
            for name, ring in rings.items():
                maps.use(name, ring.result())
            maps.load()
            others = self._opened(kernel, set(chosen.values()) - on_tracepoints, maps)
            traced = self._opened(kernel, on_tracepoints, maps)
            for probe, name in chosen.items():
                group = traced if name in on_tracepoints else others
                self._programs[probe.name] = group.program(name)
            aside = beside.submit(self._load_beside, maps, others)
            traced.load()
            aside.result()

    def _make_ring(self, name: str, size: int) -> int:
        fd = self._libbpf.call("bpf_map_create", _RING, name.encode(), 0, 0, size, None)
        self._cleanup.callback(os.close, fd)
        return fd

    def _load_beside(self, maps: CoreObject, others: CoreObject) -> None:
        fds = {name: maps.map_fd(name) for name in (*NAMES, "flows")}
        self._flows = fds["flows"]
        self._maps = Maps(self._libbpf, fds, self._sizes)
        self._cleanup.callback(self._maps.close)
        if self._way.multi:
            for name in _FILES:
                if name in self._programs:
                    self._libbpf.call(
                        "bpf_program__set_expected_attach_type", self._programs[name], MULTI
                    )
        others.load()
        self._watch_canary()

    def _opened(
        self, kernel: KernelTypes, wanted: Collection[str] = (), maps: CoreObject | None = None
    ) -> CoreObject:
        opened = CoreObject(self._libbpf, self.loaded, kernel.part, wanted, maps)
        self._cleanup.callback(opened.close)
        return opened

    def _choose_programs(self, kernel: KernelTypes) -> dict[Probe, str]:
        """Programs by probe, without those whose tracepoint this kernel lacks."""
        chosen: dict[Probe, str] = {}
        for probe in self._way.probes:
            for name in probe.alternatives or (probe.name,):
                here = probe.place != "session" or kernel.has_tracepoint(name)
                if here and name not in self._way.without:
                    chosen.setdefault(probe, f"ato_{name}")
        return chosen

    def _attach(self, name: str, how: str, *arguments: object) -> None:
        self._detach(name)  # of an audit that did not start
        self._links[name] = self._libbpf.pointer(how, self._programs[name], *arguments)

    def _detach(self, name: str) -> None:
        link = self._links.pop(name, 0)
        if link:
            with contextlib.suppress(OSError):
                self._libbpf.call("bpf_link__destroy", link)

    def attach_cgroup(self, fd: int) -> None:
        try:
            for probe in PROBES:
                if probe.place == "cgroup":
                    self._attach(probe.name, "bpf_program__attach_cgroup", fd)
        except OSError as error:
            self.detach_cgroup()
            raise CaptureUnavailable(_explain(error, self._libbpf.last_words())) from None

    def detach_cgroup(self) -> None:
        for probe in PROBES:
            if probe.place == "cgroup":
                self._detach(probe.name)

    def attach_wire(self, interface: int) -> None:
        if "wire" not in self._programs:
            return
        self.take_flows()  # of an audit that did not come to its end
        try:
            self._attach("wire", "bpf_program__attach_xdp", interface)
        except OSError:
            self._libbpf.last_words()  # optional: that it is missing is told by its state

    def take_flows(self) -> list[tuple[bytes, bytes]]:
        self._detach("wire")
        fd = self._flows
        cpus = self._libbpf.call("libbpf_num_possible_cpus")
        key = ctypes.create_string_buffer(flowabi.KEY.size)
        value = ctypes.create_string_buffer(flowabi.VALUE.size * cpus)
        found = []
        with contextlib.suppress(FileNotFoundError):  # the end of the map
            while True:
                self._libbpf.call("bpf_map_get_next_key", fd, None, key)
                self._libbpf.call("bpf_map_lookup_elem", fd, key, value)
                self._libbpf.call("bpf_map_delete_elem", fd, key)
                found.append((key.raw, value.raw))
        return found

    def probes(self) -> Mapping[str, ProbeState]:
        return {probe.name: "live" if self._attached(probe) else "missing" for probe in PROBES}

    def _attached(self, probe: Probe) -> bool:
        """Ask the kernel: others may detach from a cgroup or the wire, and our link stays."""
        if probe.place == "file":
            return self._uprobes is not None
        link = self._links.get(probe.name, 0)
        if not link or probe.place == "session":
            return bool(link)
        info, size = ctypes.create_string_buffer(_LINK_INFO), ctypes.c_uint32(_LINK_INFO)
        fd = self._libbpf.call("bpf_link__fd", link)
        self._libbpf.call("bpf_obj_get_info_by_fd", fd, info, ctypes.byref(size))
        return any(info.raw[_LINK_PLACE])

    def close(self) -> None:
        for name in list(self._links):
            self._detach(name)
        if self._uprobes:
            self._uprobes.close()
            self._uprobes = None
        self._programs.clear()
        self._cleanup.close()


def _explain(error: OSError, words: str) -> str:
    detail = f" ({words})" if words else ""
    if error.errno == errno.EPERM:  # the verifier's refusal is EACCES
        return f"the kernel refuses to load probes: run as root with CAP_SYS_ADMIN{detail}"
    return f"the probes could not be loaded: {error.strerror}{detail}; see: ato doctor"
