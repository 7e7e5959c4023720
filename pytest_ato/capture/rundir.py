"""The run directory of one capture process: a slot that it holds by a lock, and the sweep.

Owns `/run/pytest-ato/<slot>/`, the lock beside it that tells live from dead, and the list of what
would outlive a kill -9: cgroup directories. All else (mounts, namespaces, probes, processes) goes
with the process. The lock is an open file description: a child that is forked without exec and
outlives the capture process would keep it.
"""

from __future__ import annotations

import fcntl
import grp
import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pytest_ato.capture import cgroupfs
from pytest_ato.model.closing import Closing
from pytest_ato.model.errors import CaptureUnavailable

BASE = Path("/run/pytest-ato")
SLOTS = 256

# Between the ordinary users (to 60000) and the subordinate ranges (from 100000) of Debian; small
# enough for the seven octal digits of an ustar archive.
_FIRST_UID = 71_000
_FIRST_HELPER_UID = 81_000
_UID_STEP = SLOTS

# Of an image's sandbox: above what systemd gives containers (to 0x6FFFFFFF).
_FIRST_RANGE = 0x70000000
_RANGE = 1 << 16
_SUBORDINATE = (Path("/etc/subuid"), Path("/etc/subgid"))

_NOTES = "cgroups"


class RunDir(Closing):
    """A claimed slot: a directory, and two uids (with the gids of the same numbers) that are
    nobody's: `uid` for targets, `helper_uid` for our own helpers, which targets must not reach."""

    def __init__(self, base: Path, slot: int, lock: int) -> None:
        self.slot = slot
        self.uid = _unused_uid(_FIRST_UID + slot)
        self.helper_uid = _unused_uid(_FIRST_HELPER_UID + slot)
        self.first_id = _unused_range(_FIRST_RANGE + slot * _RANGE)
        """The first of 65536 ids, of users and groups, that are nobody's either."""
        self.path = base / str(slot)
        self._lock = lock
        self._lock_path = _lock_path(base, slot)
        self.path.mkdir(mode=0o700, exist_ok=True)

    @classmethod
    def claim(cls, base: Path = BASE) -> RunDir:
        """Sweep what dead capture processes left, then take the first free slot."""
        try:
            base.mkdir(mode=0o700, parents=True, exist_ok=True)
            for slot in sorted(_known_slots(base)):
                _sweep_if_dead(base, slot)
            for slot in range(SLOTS):
                lock = _try_lock(_lock_path(base, slot))
                if lock is not None:
                    return cls(base, slot, lock)
        except PermissionError as error:
            raise CaptureUnavailable(
                f"{base} is not writable: capture needs root (sudo, or --ato-runtime=docker)"
            ) from error
        raise CaptureUnavailable(f"all {SLOTS} slots below {base} are taken by running audits")

    def note(self, directory: Path) -> None:
        """Remember a cgroup directory, before it is made, for whoever sweeps this slot."""
        with (self.path / _NOTES).open("a") as notes:
            notes.write(f"{directory}\n")

    def open_to_group(self) -> None:
        """Let processes of root's group come through to what is mounted here."""
        for directory in (self.path.parent, self.path):
            directory.chmod(0o710)

    def close(self) -> None:
        """Remove what this slot holds and give it up."""
        if self._lock >= 0:
            _clear(self.path)
            _unlock(self._lock_path, self._lock)
            self._lock = -1


def _unused_uid(uid: int) -> int:
    while _is_taken(uid):
        uid += _UID_STEP
    return uid


def _is_taken(uid: int) -> bool:
    with suppress(KeyError):
        pwd.getpwuid(uid)
        return True
    with suppress(KeyError):
        grp.getgrgid(uid)
        return True
    return False


def _unused_range(first: int) -> int:
    """The first of so many ids that no user was given for namespaces (subuid(5), subgid(5))."""
    given = [(start, start + count) for start, count in _subordinate()]
    while any(start < first + _RANGE and first < end for start, end in given):
        first += SLOTS * _RANGE
    return first


def _subordinate() -> Iterator[tuple[int, int]]:
    for path in _SUBORDINATE:
        with suppress(OSError):
            for line in path.read_text("utf-8", "replace").splitlines():
                numbers = line.split(":")[1:]
                if len(numbers) == 2 and all(number.isdecimal() for number in numbers):
                    yield int(numbers[0]), int(numbers[1])


def _lock_path(base: Path, slot: int) -> Path:
    return base / f"{slot}.lock"


def _known_slots(base: Path) -> set[int]:
    return {int(path.stem) for path in base.iterdir() if path.stem.isdecimal()}


def _try_lock(path: Path) -> int | None:
    """Return a descriptor that holds the lock, or None while another process does.

    Whoever gives a slot up removes its lock file, so the file that was locked here may no longer
    be the one that the next comer opens: then try again.
    """
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        try:
            if os.path.samestat(os.fstat(lock), os.stat(path)):  # noqa: PTH116
                return lock
        except FileNotFoundError:
            pass
        os.close(lock)


def _unlock(path: Path, lock: int) -> None:
    path.unlink(missing_ok=True)
    os.close(lock)


def _sweep_if_dead(base: Path, slot: int) -> None:
    lock = _try_lock(_lock_path(base, slot))
    if lock is not None:
        _clear(base / str(slot))
        _unlock(_lock_path(base, slot), lock)


def _clear(path: Path) -> None:
    """Kill and remove every noted cgroup, then the directory; what resists is noted for the next.

    All are killed first: only a v2 directory can kill, and the v1 ones empty with it.
    """
    notes = path / _NOTES
    if notes.exists():
        directories = [Path(line) for line in notes.read_text().splitlines()]
        for directory in directories:
            cgroupfs.kill(directory)
        left = [directory for directory in directories if not cgroupfs.destroy(directory)]
        if left:
            notes.write_text("".join(f"{directory}\n" for directory in left))
            return
    shutil.rmtree(path, ignore_errors=True)
