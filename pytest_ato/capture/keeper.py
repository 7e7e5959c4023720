"""The main process of an audit container: ``python -I -m pytest_ato.capture.keeper [LOADER]``.

Owns the mounts that capture needs in a container, the capture process, and the container's end:
when the caller is gone or capture has ended, however that happened, what is left of the audits is
killed and their cgroups are removed. It reads no orders and writes no events: those pass from the
container's standard streams to capture, which has the same.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from pytest_ato import __version__
from pytest_ato.capture.cgroupfs import hierarchies
from pytest_ato.capture.rundir import RunDir
from pytest_ato.capture.sandbox import mounts
from pytest_ato.model.container import Ready
from pytest_ato.model.errors import AtoError

_CAPTURE: Final = (sys.executable, "-I", "-m", "pytest_ato.capture")
_MITMPROXY: Final = Path("/opt/mitmproxy")
_PATIENCE: Final = 3.0
"""Seconds that capture may take to clean up when the caller is gone."""
_CGROUPS: Final = Path("/sys/fs/cgroup")
_UNIFIED: Final = Path("/run/cgroup2")
"""Where cgroup2 is mounted when `_CGROUPS` holds the hierarchies of version 1."""
_NEEDED: Final = {"CAP_NET_ADMIN": 12, "CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21}


def main(loader: str = "auto") -> int:
    """Keep capture until it ends or the caller does; returns the exit status of capture.

    `loader` may be ``sweep``: then only what dead containers left is removed.
    """
    try:
        _mount_cgroups()
        refused = ", ".join(_missing())
    except OSError as error:
        refused = str(error.strerror or error)
    if loader == "sweep":
        return _sweep()
    line = msgspec.json.encode(
        Ready(clock=time.monotonic_ns(), version=__version__, refused=refused)
    )
    os.write(1, line + b"\n")
    if refused:
        return 2
    status = _keep(loader)
    _sweep()
    return status


def _keep(loader: str) -> int:
    """Run capture; end it when nobody holds the other end of standard input any more."""
    mitmproxy = str(_MITMPROXY) if _MITMPROXY.is_dir() else ""
    process = subprocess.Popen([*_CAPTURE, loader, mitmproxy], cwd="/", start_new_session=True)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ended = os.pidfd_open(process.pid)
    poll = select.poll()
    poll.register(0, 0)  # its end only: what is in it is for capture
    poll.register(ended, select.POLLIN)
    if ended not in {fd for fd, _ in poll.poll()}:
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
    status = process.wait()
    if status < 0:
        print(f"capture was killed by signal {-status}{_out_of_memory()}", file=sys.stderr)
    return status if status >= 0 else 128 - status


def _sweep() -> int:
    """Remove what audits left that have no capture process any more."""
    try:
        RunDir.claim().close()
    except AtoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _mount_cgroups() -> None:
    """Make cgroups writable, whichever version this host has; raises OSError."""
    found = hierarchies()
    if any(one.version == 2 and one.mount == _CGROUPS for one in found):
        mounts.unmount(_CGROUPS)
        mounts.mount("cgroup2", _CGROUPS)
        return
    for one in found:
        if one.version == 1 and {"memory", "pids"} & one.controllers:
            mounts.make_writable(one.mount)
    _UNIFIED.mkdir(exist_ok=True)
    mounts.mount("cgroup2", _UNIFIED)


def _missing() -> Iterator[str]:
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^CapEff:\s*(\w+)", status, re.MULTILINE)
    effective = int(found[1], 16) if found else 0
    for name, bit in _NEEDED.items():
        if not effective >> bit & 1:
            yield f"{name} was not granted"


def _out_of_memory() -> str:
    """Say so if the container's memory ran out, as far as its cgroup tells."""
    for one in hierarchies():
        for name in ("memory.events", "memory.oom_control"):
            if "memory" not in one.controllers or one.mount == _UNIFIED:
                continue
            try:
                text = (one.own_directory / name).read_text()
            except OSError:
                continue
            if re.search(r"^oom_kill [1-9]", text, re.MULTILINE):
                return ": the audit container ran out of memory"
    return ""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
