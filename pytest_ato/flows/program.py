"""The programs that count, loaded: their object, their settings, and the maps that are pinned.

Owns loading, and the reuse of maps that are pinned already, so that counts outlive whoever
attached. Attaches nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from pytest_ato.capture import flowabi, rings
from pytest_ato.capture.flowabi import Spike
from pytest_ato.capture.loader.libbpf import Libbpf, TestRunOptions
from pytest_ato.flows import bpffs
from pytest_ato.flows.flowmap import COUNTS_SUFFIX, DEFAULT, FlowMap
from pytest_ato.model.errors import CaptureUnavailable, UsageError

OBJECT: Final = Path(__file__).parents[1] / "capture/objects/xdp_flows.bpf.o"
_RING: Final = 256 << 10
"""Bytes of the ring of hints, as the object has it."""


@dataclass(frozen=True)
class Settings:
    """How flows are counted."""

    path: Path = DEFAULT
    """Where the map is pinned; the map of counts is beside it."""
    max_flows: int = 65536
    """Room of a map that is made; one that is pinned already has its own."""
    spike_packets: int = 100_000
    """Packets of one source in a window (1.07 s) on one CPU, above which it is told; 0: never."""
    spike_quiet: float = 10
    """Seconds between two hints of one source."""


class Trial(NamedTuple):
    """What came of a packet that no interface saw."""

    verdict: int
    """What the program returned: ``XDP_PASS`` (2), ``TC_ACT_UNSPEC`` (2^32 - 1)."""
    nanoseconds: int
    """Of one run, the kernel's own part of each repetition included."""


class Program:
    """The object in the kernel, with its maps pinned; use it as a context manager, or close it.

    Raises UsageError for a path that cannot be pinned to, or has another map, and
    CaptureUnavailable where the kernel refuses the programs.
    """

    def __init__(self, settings: Settings = Settings()) -> None:
        if not OBJECT.exists():
            raise CaptureUnavailable(
                f"{OBJECT.name} was not built into this installation: reinstall pytest-ato"
            )
        self.settings = settings
        self.libbpf = Libbpf()
        with contextlib.ExitStack() as made, self._explained():
            self._object = self.libbpf.call("bpf_object__open_file", os.fsencode(OBJECT), None)
            made.callback(self.libbpf.call, "bpf_object__close", self._object)
            self._configure()
            self._pin(made)
            self.libbpf.call("bpf_object__load", self._object)
            fd = self.libbpf.call("bpf_map__fd", self._map("flow_spikes"))
            self._spikes = rings.Ring(fd, _RING)
            made.callback(self._spikes.close)
            self._cleanup = made.pop_all()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Unload; what is pinned stays."""
        self._cleanup.close()

    def fd(self, name: str) -> int:
        """Descriptor of a program: ``netflow_filter`` (XDP) or ``netflow_twin`` (tc)."""
        found = self.libbpf.pointer("bpf_object__find_program_by_name", self._object, name.encode())
        return self.libbpf.call("bpf_program__fd", found)

    def trial(self, name: str, packet: bytes, repeat: int = 1) -> Trial:
        """Have a program count a packet of at least 14 bytes (BPF_PROG_TEST_RUN)."""
        return trial(self.libbpf, self.fd(name), packet, repeat)

    def spikes(self) -> list[Spike]:
        """Take the hints since the last call."""
        return [flowabi.spike(record) for record in rings.records(self._spikes.drain(_RING))]

    def _map(self, name: str) -> int:
        return self.libbpf.pointer("bpf_object__find_map_by_name", self._object, name.encode())

    def _configure(self) -> None:
        size = ctypes.c_size_t()
        data = self.libbpf.pointer(
            "bpf_map__initial_value", self._map(".rodata"), ctypes.byref(size)
        )
        quiet = round(self.settings.spike_quiet * 1e9)
        values = flowabi.SETTINGS_LAYOUT.format.pack(self.settings.spike_packets, quiet)
        assert size.value >= len(values)
        ctypes.memmove(data, values, len(values))

    def _pin(self, made: contextlib.ExitStack) -> None:
        """Have both maps pinned at load; where they are already, count on in them."""
        path = self.settings.path
        _check_place(path)
        paths = {"flow_map": path, "flow_counts": path.with_name(path.name + COUNTS_SUFFIX)}
        for name, pinned in paths.items():
            self.libbpf.call("bpf_map__set_pin_path", self._map(name), os.fsencode(pinned))
        if any(pinned.exists() for pinned in paths.values()):
            known = made.enter_context(FlowMap(path))  # looks at layout and owner
            entries = known.max_entries
        else:
            entries = self.settings.max_flows
        self.libbpf.call("bpf_map__set_max_entries", self._map("flow_map"), entries)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            words = self.libbpf.last_words()
            detail = f" ({words})" if words else ""
            is_user = os.geteuid() != 0 and error.errno == errno.EACCES  # else the verifier's
            if error.errno == errno.EPERM or is_user:
                raise CaptureUnavailable(
                    f"the kernel refuses to count flows: run as root with CAP_BPF and "
                    f"CAP_NET_ADMIN{detail}"
                ) from None
            raise CaptureUnavailable(
                f"flows cannot be counted here: {error.strerror}{detail}; see: ato doctor"
            ) from None


def trial(libbpf: Libbpf, program: int, packet: bytes, repeat: int = 1) -> Trial:
    """Run any program on a packet of at least 14 bytes; `program` is its descriptor."""
    options = TestRunOptions(
        size=ctypes.sizeof(TestRunOptions), data=packet, data_size=len(packet), repeat=repeat
    )
    libbpf.call("bpf_prog_test_run_opts", program, ctypes.byref(options))
    return Trial(options.verdict, options.duration)


def _check_place(path: Path) -> None:
    folder = path.parent
    if not bpffs.holds(folder):
        place = folder if folder.is_dir() else DEFAULT.parent
        raise UsageError(
            f"{folder} is no BPF file system, where maps are pinned: mount -t bpf bpf {place}"
        )
    if "." in path.name:
        raise UsageError(f"{path}: a BPF file system takes no names with a dot")
