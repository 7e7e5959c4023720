"""Real audits: targets written on the spot, one auditor a module, and nothing left behind.

This process adopts what its dead children leave (PR_SET_CHILD_SUBREAPER), so a process that
outlives a killed `ato`, pytest or capture process is still found below this one.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.capture.cgroupfs import processes as processes_in
from pytest_ato.capture.rundir import BASE
from pytest_ato.target import resolve

_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_ENGINES = {b"dockerd", b"containerd", b"containerd-shim-runc-v2"}
_ATO = (sys.executable, "-P", "-c", "import sys; from pytest_ato.cli import main; sys.exit(main())")
_INSTALLED = any(point.name == "ato" for point in entry_points(group="pytest11"))
_PYTEST: tuple[str, ...] = (sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider")
_PYTEST += () if _INSTALLED else ("-p", "pytest_ato.plugin")


def eventually(condition: Callable[[], object], within: float = 10.0) -> bool:
    """Whether `condition` comes true within so many seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Processes:
    """What lives below a process (this one unless told), found as ``ps`` finds it."""

    eventually = staticmethod(eventually)

    def below(self, root: int | None = None) -> dict[int, bytes]:
        """Pid to command line of all live descendants, zombies left out."""
        parents: dict[int, int] = {}
        for path in Path("/proc").iterdir():
            if path.name.isdecimal() and (fields := _stat(int(path.name))):
                parents[int(path.name)] = int(fields[1])
        found, new = set[int](), {os.getpid() if root is None else root}
        while new:
            new = {pid for pid, parent in parents.items() if parent in new}
            found |= new
        return {pid: _command_line(pid) for pid in found}

    def own(self) -> set[int]:
        """Pids of all live descendants but those of an engine, which other tests may use, too."""
        found = self.below()
        engines = {pid for pid, line in found.items() if _program(line) in _ENGINES}
        return found.keys() - engines - {pid for engine in engines for pid in self.below(engine)}

    def find(self, text: str, root: int | None = None, within: float = 20.0) -> int:
        """Wait for a descendant with `text` in its command line; return its pid."""
        wanted = text.encode()
        found: list[int] = []

        def look() -> bool:
            found[:] = [pid for pid, line in self.below(root).items() if wanted in line]
            return bool(found)

        assert eventually(look, within), f"no process with {text!r}: {self.below(root)}"
        return found[-1]


def _stat(pid: int) -> list[str]:
    """Fields of proc(5)'s stat from the state on; empty for a zombie or nobody."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [] if fields[0] in "ZX" else fields


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _program(command_line: bytes) -> bytes:
    return command_line.partition(b"\0")[0].rpartition(b"/")[2]


@pytest.fixture(scope="session")
def processes() -> Processes:
    return Processes()


@pytest.fixture(scope="module", autouse=True)
def nothing_left(processes: Processes) -> Iterator[frozenset[int]]:
    """After each module: no process, cgroup, run directory or mount of ours that was not before.

    Sessions of others may be at work meanwhile: what has a living owner is not counted.
    """
    if os.geteuid() != 0:
        yield frozenset()
        return
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    children, places = frozenset(processes.own()), _cgroups() | _run_directories()
    yield children
    assert eventually(lambda: not processes.own() - children), processes.below()
    assert eventually(lambda: not _abandoned(places)), _abandoned(places)
    assert "pytest-ato" not in Path("/proc/self/mountinfo").read_text()
    _reap_adopted()
    libc.prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _cgroups() -> set[Path]:
    return {Path(top) for top, _, _ in os.walk("/sys/fs/cgroup") if "/pytest-ato-" in top}


def _run_directories() -> set[Path]:
    return {path for path in BASE.glob("*") if path.name.isdecimal()}


def _abandoned(known: set[Path]) -> set[Path]:
    """New cgroups with nobody in them, and new run directories that no process holds."""
    groups = {group for group in _cgroups() - known if not processes_in(group)}
    return groups | {path for path in _run_directories() - known if not _is_held(path)}


def _is_held(run_directory: Path) -> bool:
    try:
        with run_directory.with_suffix(".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return not run_directory.exists()  # it ends at this moment
    return False


def _reap_adopted() -> None:
    """Reap the zombies that came to this process from children of its own."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write an executable script: ``vendor("echo hi")``, ``vendor(text, python=True)``."""
    folder = tmp_path_factory.mktemp("vendor")

    def write(text: str, *, python: bool = False, name: str = "tool") -> Path:
        path = folder / name
        path.write_text(f"#!{'/usr/bin/python3 -I' if python else '/bin/sh'}\n{text}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture(scope="module")
def auditor(nothing_left: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Auditor]:
    with Auditor(report_dir=tmp_path_factory.mktemp("reports")) as auditor:
        yield auditor


@pytest.fixture
def audit(auditor: Auditor, vendor: Callable[..., Path]) -> Callable[..., Outcome]:
    """Audit a script: ``audit("echo hi", timeout=2)``; other words are those of `Options`."""

    def run(text: str, *, python: bool = False, name: str = "tool", **options: object) -> Outcome:
        target = resolve(str(vendor(text, python=python, name=name)))
        return auditor.audit(target, Options(**options))

    return run


class Commands:
    """Starts the real `ato` and pytest in `folder`, each in a session of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []

    def ato(self, *words: object, shell: str = "") -> subprocess.Popen[str]:
        """Start `ato run`; `shell` prepares a private mount namespace for it."""
        return self._start((*_ATO, "run", *map(str, words)), shell)

    def pytest(self, *words: object, shell: str = "") -> subprocess.Popen[str]:
        """Start pytest, likewise."""
        return self._start((*_PYTEST, *map(str, words)), shell)

    def _start(self, command: tuple[str, ...], shell: str) -> subprocess.Popen[str]:
        if shell:
            command = ("unshare", "-m", "sh", "-ec", f'{shell}\nexec "$@"', "sh", *command)
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    made = Commands(tmp_path)
    yield made
    for process in made.started:
        process.kill()
        process.communicate()
