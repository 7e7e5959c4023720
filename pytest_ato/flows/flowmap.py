"""The pinned map of flows, read by whoever may: its flows, its counts, and the end of idle entries.

Owns the walk: batches where the kernel has them (Linux 5.6), else key after key. The kernel goes on
writing meanwhile, and nothing is locked: numbers of one flow are of one moment to within a packet,
those of two flows are not. Attaches nothing and forgets nothing; who takes deltas keeps the totals
of the round before.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_ato.capture import flowabi
from pytest_ato.capture.flowabi import Counts, Totals
from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.flows import bpffs
from pytest_ato.model.errors import CaptureUnavailable, UsageError

DEFAULT: Final = Path("/sys/fs/bpf/flow_map")
"""Where libbpf pins a map of this name (``LIBBPF_PIN_BY_NAME``)."""
COUNTS_SUFFIX: Final = "_counts"
"""What the path of the map of counts has more than that of the map of flows."""
_TYPES: Final = {6: "PERCPU_ARRAY", 5: "PERCPU_HASH", 10: "LRU_PERCPU_HASH"}
_INFO: Final = struct.Struct("=6I16s")
"""Start of struct bpf_map_info: type, id, sizes of key and value, entries, flags, name."""
_BATCH: Final = 4096
"""Entries asked for at once; more than any bucket of the kernel's table holds."""
_NO_BATCHES: Final = frozenset({errno.EINVAL, errno.EOPNOTSUPP, 524})
"""What kernels answer that cannot; 524 is their own ENOTSUPP."""
_RAW_KEY: Final = struct.Struct(f"{flowabi.KEY.size}s")
_OTHERS_MAY_WRITE: Final = 0o022


class FlowMap:
    """A pinned map of flows, open; use it as a context manager, or close it.

    Raises UsageError where the path has no map, one of another layout, or one that others than root
    and the caller could have written to, and CaptureUnavailable without the privilege to open it.
    """

    def __init__(self, path: Path = DEFAULT, *, batches: bool = True) -> None:
        self.path = path
        self._libbpf = Libbpf()
        self._cpus = self._libbpf.call("libbpf_num_possible_cpus")
        self._batches = batches
        with contextlib.ExitStack() as opened:
            self._fd, self.id, self.max_entries = self._open(
                path, ("PERCPU_HASH", "LRU_PERCPU_HASH"), flowabi.KEY.size, flowabi.VALUE.size
            )
            opened.callback(os.close, self._fd)
            beside = path.with_name(path.name + COUNTS_SUFFIX)
            self._counts, _, entries = self._open(beside, ("PERCPU_ARRAY",), 4, 8)
            opened.callback(os.close, self._counts)
            if entries != len(Counts._fields):
                raise _other_layout(beside)
            self._cleanup = opened.pop_all()

    def __enter__(self) -> FlowMap:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the maps, which live on while they are pinned."""
        self._cleanup.close()

    def walk(self) -> Iterator[tuple[bytes, Totals]]:
        """Yield each flow once: its key, for `flowabi.key`, and its totals over all CPUs.

        An entry that is made or removed during the walk may or may not be in it; one that lives
        through it is.
        """
        if self._batches:
            try:
                yield from self._in_batches()
                return
            except OSError as error:
                if error.errno not in _NO_BATCHES:
                    raise
                self._batches = False  # the kernel says so at the first call, before any entry
        yield from self._one_by_one()

    def read(self, key: bytes) -> Totals | None:
        """Return the totals of one flow, or None when it has no entry."""
        return self._value("bpf_map_lookup_elem", key)

    def take(self, key: bytes) -> Totals | None:
        """Remove an entry; return its totals at that moment, or None when it had gone before.

        Packets that come later make a new entry, which starts from zero. Only a packet that another
        CPU is accounting in this very moment can be lost to both: take flows that have been idle.
        """
        try:
            return self._value("bpf_map_lookup_and_delete_elem", key)
        except OSError as error:
            if error.errno not in _NO_BATCHES:  # before Linux 5.14
                raise
        last = self.read(key)
        with contextlib.suppress(FileNotFoundError):
            self._libbpf.call("bpf_map_delete_elem", self._fd, key)
        return last

    def counts(self) -> Counts:
        """Packets that made no flow, and hints, since the map was made."""
        buffer = (ctypes.c_uint64 * self._cpus)()
        sums = []
        for index in range(len(Counts._fields)):
            place = ctypes.byref(ctypes.c_uint32(index))
            self._libbpf.call("bpf_map_lookup_elem", self._counts, place, buffer)
            sums.append(sum(buffer))
        return Counts(*sums)

    def _in_batches(self) -> Iterator[tuple[bytes, Totals]]:
        key_size, row_size = flowabi.KEY.size, flowabi.VALUE.size * self._cpus
        size = min(_BATCH, self.max_entries)
        keys = ctypes.create_string_buffer(key_size * size)
        values = ctypes.create_string_buffer(row_size * size)
        at, following = None, ctypes.c_uint64()
        is_last = False
        while not is_last:
            count = ctypes.c_uint32(size)
            try:
                self._libbpf.call(
                    "bpf_map_lookup_batch",
                    *(self._fd, at, ctypes.byref(following), keys, values),
                    *(ctypes.byref(count), None),
                )
            except FileNotFoundError:
                is_last = True
            at = ctypes.byref(ctypes.c_uint64(following.value))
            found = memoryview(keys)[: count.value * key_size]
            rows = memoryview(values)[: count.value * row_size]
            per_cpu = zip(*[flowabi.VALUE.iter_unpack(rows)] * self._cpus, strict=True)
            for (key,), each in zip(_RAW_KEY.iter_unpack(found), per_cpu, strict=True):
                yield key, flowabi.totals(each)

    def _one_by_one(self) -> Iterator[tuple[bytes, Totals]]:
        following = ctypes.create_string_buffer(flowabi.KEY.size)
        before: bytes | None = None
        seen: set[bytes] = set()  # the kernel starts anew after a key that was removed meanwhile
        with contextlib.suppress(FileNotFoundError):
            while True:
                self._libbpf.call("bpf_map_get_next_key", self._fd, before, following)
                before = following.raw
                found = None if before in seen else self.read(before)
                if found is not None:
                    seen.add(before)
                    yield before, found

    def _value(self, how: str, key: bytes) -> Totals | None:
        buffer = ctypes.create_string_buffer(flowabi.VALUE.size * self._cpus)
        try:
            self._libbpf.call(how, self._fd, key, buffer)
        except FileNotFoundError:
            return None
        return flowabi.totals(list(flowabi.VALUE.iter_unpack(buffer)))

    def _open(
        self, path: Path, types: tuple[str, ...], key_size: int, value_size: int
    ) -> tuple[int, int, int]:
        """Return descriptor, id and size of a pinned map of that layout."""
        fd = self._get(path)
        try:
            info = ctypes.create_string_buffer(256)
            size = ctypes.c_uint32(len(info))
            self._libbpf.call("bpf_obj_get_info_by_fd", fd, info, ctypes.byref(size))
            kind, number, *sizes, entries, _, _ = _INFO.unpack_from(info)
            if _TYPES.get(kind) not in types or sizes != [key_size, value_size]:
                raise _other_layout(path)
        except BaseException:
            os.close(fd)
            raise
        return fd, number, entries

    def _get(self, path: Path) -> int:
        try:
            status = path.stat()
            if status.st_uid not in (0, os.geteuid()) or status.st_mode & _OTHERS_MAY_WRITE:
                raise UsageError(
                    f"{path} belongs to uid {status.st_uid} or can be written by others, who could "
                    "have put in what they like: remove it, and attach again"
                )
            if not bpffs.holds(path):
                raise UsageError(f"{path} is no pinned map: it is not on a BPF file system")
            return self._libbpf.call("bpf_obj_get", os.fsencode(path))
        except FileNotFoundError:
            raise UsageError(
                f"there is no map at {path}: ato flows attach IFACE makes it"
            ) from None
        except PermissionError:
            raise CaptureUnavailable(f"{path} cannot be opened: run as root") from None
        except OSError as error:
            raise UsageError(f"{path} is no pinned map: {error.strerror}") from None


def _other_layout(path: Path) -> UsageError:
    return UsageError(
        f"{path} is a map of another layout, made by another version or program: remove it "
        f"(rm {path}), and attach again; or name another path"
    )


def unpin(path: Path) -> None:
    """Remove a map and its counts from their places; they live on while somebody has them open."""
    for pinned in (path, path.with_name(path.name + COUNTS_SUFFIX)):
        pinned.unlink(missing_ok=True)


def wall_clock(monotonic: int) -> int:
    """Return nanoseconds since the epoch for a time of the map's, as the clocks stand now."""
    return time.time_ns() - time.monotonic_ns() + monotonic
