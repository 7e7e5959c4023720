"""Capture with something broken: started in place of ``python -m pytest_ato.capture``.

    faulty_capture.py ORDERS [NAME=VALUE ...]

ORDERS is a file that is read when an audit begins. Each line is ``MOMENT FAULT [ARGUMENT]``: what
to break, and whether before init's first test calls or after the target's exec. The settings hold
for the whole session: bytes of the rings (critical, bulk), of the spool in memory (spool), of the
disk under it (disk), of its file beyond which the target is held (hold); a file that is taken for
the kernel's type information (btf). All else is the real capture.
"""

from __future__ import annotations

import contextlib
import resource
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from pytest_ato.capture import __main__ as entry
from pytest_ato.capture import abi, rings, run
from pytest_ato.capture.fanotify import FileMarks
from pytest_ato.capture.hold import Hold
from pytest_ato.capture.loader import core
from pytest_ato.capture.loader.interface import ProbeState
from pytest_ato.capture.loader.maps import RING_SIZES, Batch
from pytest_ato.capture.sandbox.initfile import INIT, canary_places
from pytest_ato.capture.sandbox.mounts import enter_private_mounts, mount_tmpfs
from pytest_ato.capture.spool import Spool
from pytest_ato.capture.stdio import StandardStreams

_FAN_MARK_FLUSH = 0x80
_ON_FILES = ("tls_enter", "tls_leave")
_EXECS = 2
"""The canary's and the target's."""


class Marks(FileMarks):
    """Marks that can be taken away."""

    latest: ClassVar[Marks]

    def __init__(self) -> None:
        super().__init__()
        Marks.latest = self

    def flush(self) -> None:
        assert self._libc.fanotify_mark(self._fd, _FAN_MARK_FLUSH, 0, -1, None) == 0


class Streams(StandardStreams):
    """The target's input comes when all is broken: one that reads it waits for that."""

    def feed(self) -> None:
        if not Loader.waiting.get("after"):
            super().feed()


class Loader(core.CoreLoader):
    """The core loader, which breaks what it is told to at the right moment."""

    waiting: ClassVar[dict[str, list[Callable[[], None]]]] = {}

    def __init__(self, orders: Path, ring_sizes: dict[str, int]) -> None:
        super().__init__(ring_sizes=ring_sizes)
        self._orders = orders
        self._broken: set[str] = set()
        self._execs = 0
        self._held: list[bytes] = []

    def set_scope(self, scope: abi.Scope) -> None:
        if scope.active:
            self._read_orders()
            self._break("before")
        super().set_scope(scope)
        if not scope.active:
            self._mend()

    def probes(self) -> Mapping[str, ProbeState]:
        """What it told of before: it does not know of what others break."""
        return {**super().probes(), **dict.fromkeys(self._broken, "live")}

    def drain(self) -> Batch:
        batch = super().drain()
        for record in rings.records(batch.critical):
            self._execs += int.from_bytes(record[16:18], "little") == abi.EXEC
        if self._execs >= _EXECS:
            self._break("after")
        return batch

    def _read_orders(self) -> None:
        self._execs = 0
        self.waiting |= {"before": [], "after": []}
        for line in self._orders.read_text().splitlines():
            moment, fault, *arguments = line.split()
            self.waiting[moment].append(partial(getattr(self, fault), *arguments))

    def _break(self, moment: str) -> None:
        for fault in self.waiting.get(moment, []):
            fault()
        self.waiting[moment] = []

    def _mend(self) -> None:
        """Attach again, for the audits that follow, what serves the whole session."""
        for probe in self.declared:
            if probe.name in self._broken and probe.place == "session":
                self._attach(probe.name, "bpf_program__attach")
        if self._broken.intersection(_ON_FILES):
            self._uprobes.detach([self._canary])
            self._canary = self._uprobes.attach(str(INIT), canary_places())
        self._broken.clear()

    # --- the faults ---

    def blind(self, probe: str) -> None:
        if probe == "fanotify":
            Marks.latest.flush()
            return
        if probe in _ON_FILES:
            self._blind_on_files(_ON_FILES.index(probe))
        else:
            self._detach(probe)
        self._broken.add(probe)

    def _blind_on_files(self, program: int) -> None:
        """One place at the beginning of init's own function, one at its end: a link each."""
        links = list(self._uprobes._links[self._canary])
        self._uprobes._destroy_one(links.pop(program))
        self._uprobes._links[self._canary] = tuple(links)

    def descriptors(self) -> None:
        """Leave none: all numbers below the limit are taken."""
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))

    def memory(self) -> None:
        """Leave none: what the process has is taken, and it gets no more."""
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        for piece in (1 << 20, 1 << 12, 1 << 8):
            with contextlib.suppress(MemoryError):
                while True:
                    self._held.append(bytes(piece))


def main(orders: str, *words: str) -> int:
    settings = dict(word.split("=") for word in words)
    if disk := settings.get("disk"):
        enter_private_mounts()
        place = Path(orders).parent / "disk"
        mount_tmpfs(place, mode=0o700, size=int(disk))
        tempfile.tempdir = str(place)
    if memory := settings.get("spool"):
        run.Spool = partial(Spool, int(memory))
    if hold := settings.get("hold"):
        run.Hold = partial(Hold, limit=int(hold))
    if btf := settings.get("btf"):
        core.BTF = Path(btf)
    sizes = RING_SIZES | {name: int(settings[name]) for name in RING_SIZES if name in settings}
    run.FileMarks, run.StandardStreams = Marks, Streams
    entry.choose = lambda _: Loader(Path(orders), sizes)
    return entry.main("core")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
