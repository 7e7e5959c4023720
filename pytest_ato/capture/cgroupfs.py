"""Where the cgroup hierarchies are, and how a directory in one ends.

Owns discovery (v2, v1 and hybrid hosts) and destruction; knows nothing of audits or limits.
"""

from __future__ import annotations

import errno
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PREFIX = "pytest-ato-"
"""Every cgroup directory of ours starts so; nothing else is ever destroyed."""

_PATIENCE_S = 5.0
_STEP_S = 0.002


@dataclass(frozen=True)
class Hierarchy:
    """One mounted hierarchy."""

    version: int
    mount: Path
    root: str
    """The cgroup that is visible at `mount`; ``/`` unless only a part is mounted."""
    own: str
    """The cgroup of this process, from the hierarchy's (or namespace's) root."""
    controllers: frozenset[str]

    @property
    def own_directory(self) -> Path:
        """The directory of this process's own cgroup, or the mount where that is not visible."""
        inside = self.own.removeprefix(self.root if self.root != "/" else "")
        directory = self.mount / inside.lstrip("/")
        return directory if directory.is_dir() else self.mount

    @property
    def level(self) -> int:
        """Depth of the mount's directory below the hierarchy's root."""
        return len([part for part in self.root.split("/") if part])


def hierarchies(proc: Path = Path("/proc/self")) -> tuple[Hierarchy, ...]:
    """Return what is mounted, in the order of `mountinfo` (proc(5), cgroups(7))."""
    own = _own_cgroups((proc / "cgroup").read_text())
    found = []
    for line in (proc / "mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        if kind not in ("cgroup", "cgroup2"):
            continue
        root, mount = (_unescape(field) for field in left.split(" ")[3:5])
        version = 2 if kind == "cgroup2" else 1
        names = _controllers_v2(Path(mount)) if version == 2 else frozenset(options.split(","))
        path = own.get("", "/") if version == 2 else _first(own, names)
        found.append(Hierarchy(version, Path(mount), root, path, names))
    return tuple(found)


def _own_cgroups(text: str) -> dict[str, str]:
    """Parse `/proc/PID/cgroup`: controller name (empty for v2) to path."""
    own = {}
    for line in text.splitlines():
        _, names, path = line.split(":", 2)
        own.update(dict.fromkeys(names.split(","), path))
    return own


def _first(own: dict[str, str], names: frozenset[str]) -> str:
    return next((path for name, path in own.items() if name in names), "/")


def _controllers_v2(mount: Path) -> frozenset[str]:
    try:
        return frozenset((mount / "cgroup.controllers").read_text().split())
    except OSError:
        return frozenset()


def _unescape(field: str) -> str:
    for code in ("040", "011", "012", "134"):  # mountinfo's octal escapes
        field = field.replace(f"\\{code}", chr(int(code, 8)))
    return field


def processes(directory: Path) -> list[int]:
    """Return the host pids in a cgroup, none if it is gone."""
    try:
        return [int(pid) for pid in (directory / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def kill(directory: Path) -> None:
    """Kill all in a v2 cgroup of ours; a v1 directory, or one that is gone, is left alone."""
    if directory.name.startswith(PREFIX):
        with suppress(OSError):
            (directory / "cgroup.kill").write_text("1")


def destroy(directory: Path) -> bool:
    """Kill what is in a cgroup of ours and remove it; return whether nothing of ours is left.

    The last exit and the directory's becoming empty are some milliseconds apart (EBUSY until then).
    """
    if not directory.name.startswith(PREFIX):
        return True
    kill(directory)
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            directory.rmdir()
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                return False
            time.sleep(_STEP_S)
        else:
            return True
