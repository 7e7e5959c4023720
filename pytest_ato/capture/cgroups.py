"""The cgroup of one audit: its scope for the probes, its limits, and its end.

Owns one v2 directory (scope, list of processes, kill) and, where the v2 hierarchy does not have a
controller, a directory in the v1 hierarchy that does (hybrid hosts). Starts no process.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from pytest_ato.capture import cgroupfs
from pytest_ato.capture.cgroupfs import PREFIX, Hierarchy
from pytest_ato.capture.rundir import RunDir
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.spec import Limits

_OWN_TASKS = 2
"""bubblewrap's outer process and init are in the cgroup too."""


class AuditCgroup:
    """A fresh cgroup; processes enter by a write to each of `procs`."""

    def __init__(self, rundir: RunDir, run_id: str, limits: Limits) -> None:
        """Make the directories and set the limits.

        Raises CaptureUnavailable where there is no cgroup2, or no controller for a wanted limit.
        """
        found = cgroupfs.hierarchies()
        unified = next((one for one in found if one.version == 2), None)
        if unified is None:
            raise CaptureUnavailable(
                "no cgroup2 is mounted: mkdir -p /sys/fs/cgroup/unified && "
                "mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified"
            )
        self._rundir = rundir
        self._name = f"{PREFIX}{rundir.slot}-{run_id}"
        self._directories: list[Path] = []
        self._memory: Path | None = None
        self._tasks: Path | None = None
        self.fd = -1
        try:
            self.path = self._make(unified.mount)
            self.fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self.id = os.fstat(self.fd).st_ino
            self.level = unified.level + 1
            if limits.memory is not None:
                self._memory = self._limited("memory", "memory", found)
                _limit_memory(self._memory, limits.memory)
            if limits.tasks is not None:
                self._tasks = self._limited("tasks", "pids", found)
                (self._tasks / "pids.max").write_text(str(limits.tasks + _OWN_TASKS))
        except BaseException:
            self.remove()
            raise

    @property
    def procs(self) -> tuple[Path, ...]:
        """The files that a process writes ``0`` to, to be in."""
        return tuple(directory / "cgroup.procs" for directory in self._directories)

    def enter(self, pid: int) -> None:
        """Move a process in, with all its threads."""
        for procs in self.procs:
            procs.write_text(str(pid))

    def pids(self) -> list[int]:
        """Return the host pids of all processes inside, zombies included."""
        return cgroupfs.processes(self.path)

    def kill(self) -> None:
        """SIGKILL to all inside, at once and without a race against fork."""
        cgroupfs.kill(self.path)

    def kill_but(self, spared: Collection[int]) -> None:
        """SIGKILL to all inside but `spared`: frozen meanwhile, so that no fork gets away."""
        self.freeze(True)
        try:
            for pid in self.pids():
                if pid not in spared:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        finally:
            self.freeze(False)

    def freeze(self, frozen: bool) -> None:
        """Stop all inside within some milliseconds, or let them go on; they can be killed all the
        same."""
        (self.path / "cgroup.freeze").write_text("1" if frozen else "0")

    def limits_hit(self) -> tuple[str, ...]:
        """Return the names, as in `Limits`, of the limits that were run into so far."""
        hit = []
        if self._memory is not None and _out_of_memory_kills(self._memory) > 0:
            hit.append("memory")
        if self._tasks is not None and _counter(self._tasks / "pids.events", "max") > 0:
            hit.append("tasks")
        return tuple(hit)

    def remove(self) -> None:
        """Kill what is left and remove the directories; what resists, the next sweep removes."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        for directory in self._directories:
            cgroupfs.destroy(directory)

    def _make(self, parent: Path) -> Path:
        directory = parent / self._name
        self._rundir.note(directory)
        try:
            directory.mkdir()
        except OSError as error:
            raise CaptureUnavailable(
                f"cannot make a cgroup in {parent} ({error.strerror}): "
                "capture needs root and a writable cgroup file system"
            ) from error
        self._directories.append(directory)
        return directory

    def _limited(self, limit: str, controller: str, found: tuple[Hierarchy, ...]) -> Path:
        """Return the directory whose files limit this audit by `controller`."""
        for hierarchy in found:
            if controller not in hierarchy.controllers:
                continue
            if hierarchy.version == 1:
                # Below the cgroup of this process: its own limits hold for the audit as well.
                return self._made_already(hierarchy) or self._make(hierarchy.own_directory)
            if _enable(hierarchy.mount, controller):
                return self.path
        raise CaptureUnavailable(
            f"no cgroup controller can limit {limit} here; "
            f"to audit without that limit: --ato-limit {limit}=none"
        )

    def _made_already(self, hierarchy: Hierarchy) -> Path | None:
        directory = hierarchy.own_directory / self._name
        return directory if directory in self._directories else None


def _enable(mount: Path, controller: str) -> bool:
    """Give the children of the v2 root `controller`; not possible where the root has processes
    of its own and is no true root (a container's namespace)."""
    try:
        (mount / "cgroup.subtree_control").write_text(f"+{controller}")
    except OSError:
        return False
    return True


def _limit_memory(directory: Path, size: int) -> None:
    """Limit memory and leave no swap beside it. The files differ by version; swap accounting may
    be off in the kernel, and then the files for it are missing."""
    if (directory / "memory.max").exists():
        (directory / "memory.max").write_text(str(size))
        swap, swap_size = directory / "memory.swap.max", 0
    else:
        (directory / "memory.limit_in_bytes").write_text(str(size))
        swap, swap_size = directory / "memory.memsw.limit_in_bytes", size  # memory plus swap
    if swap.exists():
        swap.write_text(str(swap_size))


def _out_of_memory_kills(directory: Path) -> int:
    v2 = _counter(directory / "memory.events", "oom_kill")
    return v2 or _counter(directory / "memory.oom_control", "oom_kill")


def _counter(path: Path, name: str) -> int:
    """Return one value of a flat keyed file; 0 where file or key is missing."""
    with suppress(OSError):
        for line in path.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0
