"""An engine for this tree: the one that runs here, else a dockerd of our own in `build/engine`.

Owns that dockerd: its folders, its bridge, which leads nowhere, and its end when its last user has
gone. The engine that a machine has is used as it is and never changed. Started by root only.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "build/engine"
"""Also keeps the images, so that they are made once."""
WITHIN_BOUNDS: Final = "runc-within-bounds"
"""Name of a further runtime, which can start privileged containers on any kernel."""
_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
_START: Final = 60.0


class NoEngine(Exception):
    """There is none, and none can be started; says why."""


@contextmanager
def running(folder: Path = FOLDER) -> Iterator[str]:
    """Yield a DOCKER_HOST; several processes may use it at a time. Raises `NoEngine`."""
    given = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if "DOCKER_HOST" in os.environ or _answers(given):
        yield given
        return
    if os.geteuid() != 0 or shutil.which("dockerd", path=_PATH) is None:
        raise NoEngine("no container engine runs here, and none can be started: docker.io, root")
    folder.mkdir(parents=True, exist_ok=True)
    # 108 bytes are all that the address of a socket may have
    run = Path("/run", f"ato-engine-{folder.stat().st_ino:x}")
    run.mkdir(mode=0o755, exist_ok=True)
    host = f"unix://{run}/socket"
    with (run / "users").open("a") as users:
        with _alone(run):
            if not _answers(host):
                _start(folder, run, host)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield host
        finally:
            with _alone(run), suppress(BlockingIOError):  # others use it
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _stop(folder, run)


@contextmanager
def _alone(run: Path) -> Iterator[None]:
    """Starting or stopping the engine, which one process does at a time."""
    with (run / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _answers(host: str) -> bool:
    if not Path(host.removeprefix("unix://")).exists():
        return False
    asked = subprocess.run(
        [
            "curl",
            "-fsS",
            "-m",
            "5",
            "--unix-socket",
            host.removeprefix("unix://"),
            "http://d/_ping",
        ],
        capture_output=True,
        check=False,
    )
    return asked.returncode == 0


def _start(folder: Path, run: Path, host: str) -> None:
    _stop(folder, run)  # what a killed one left
    shutil.rmtree(folder / "data/network", ignore_errors=True)  # or it keeps an old address
    bridge = _bridge(folder)
    address = f"192.0.2.{folder.stat().st_ino % 4 * 64 + 1}/26"
    _ip("link", "add", bridge, "type", "bridge")
    _ip("addr", "add", address, "dev", bridge)
    _ip("link", "set", bridge, "up")
    with (folder / "log").open("w") as log:
        daemon = subprocess.Popen(
            [
                "dockerd",
                f"--data-root={folder / 'data'}",
                f"--exec-root={run / 'exec'}",
                f"--pidfile={run / 'pid'}",
                f"--host={host}",
                f"--bridge={bridge}",  # with none, dockerd would take another one's bridge away
                f"--add-runtime={WITHIN_BOUNDS}={ROOT / 'docker' / WITHIN_BOUNDS}",
                "--iptables=false",
                "--ip-forward=false",
                "--ip-masq=false",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": _PATH},
            start_new_session=True,
        )
    deadline = time.monotonic() + _START
    while not _answers(host):
        if daemon.poll() is not None or time.monotonic() > deadline:
            _stop(folder, run)
            raise NoEngine(f"dockerd did not start: {_last_line(folder / 'log')}")
        time.sleep(0.1)


def _stop(folder: Path, run: Path) -> None:
    """End the dockerd of this folder and remove its bridge."""
    with suppress(OSError, ValueError):
        pid = int((run / "pid").read_text())
        if b"dockerd" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGTERM)
            _wait(pid)
    _ip("link", "del", _bridge(folder), check=False)
    left = run / "exec/netns/default"  # a mount, which dockerd leaves
    subprocess.run(["umount", left], check=False, capture_output=True)


def _wait(pid: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if not Path(f"/proc/{pid}/cmdline").exists():
            return
        time.sleep(0.05)


def _bridge(folder: Path) -> str:
    return f"ato{folder.stat().st_ino:x}"[:15]


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else "it said nothing"
