"""What this machine can do for an audit, found out by trying.

Owns the questions and their cures. ``python -I -m pytest_ato.capture.checks`` prints one JSON line
each; run it with the privileges that capture would have. Changes nothing: what a trial makes, it
takes away.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, Literal

import msgspec

from pytest_ato.capture import cgroupfs
from pytest_ato.capture.loader.bcc import BccLoader
from pytest_ato.capture.loader.core import OBJECT
from pytest_ato.capture.loader.kernel_types import BTF
from pytest_ato.capture.network import uplink
from pytest_ato.capture.network.rules import program
from pytest_ato.capture.proxy import environment
from pytest_ato.capture.session import MACHINES
from pytest_ato.capture.trials import Trial, trials
from pytest_ato.model.check import Check
from pytest_ato.model.errors import AtoError

_OLDEST: Final = (5, 15)
_ALLOW_BPF: Final = "run as root with CAP_SYS_ADMIN, in no container that restricts bpf(2)"
_USUAL_KERNEL: Final = "use a kernel as Debian or Ubuntu build it, from 5.15 on"
_CAPABILITIES: Final = {"CAP_NET_ADMIN": 12, "CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21}


def checks(mitmproxy: str = "", why: str = "") -> Iterator[Check]:
    """Answer every question, in the order in which a reader would fix them.

    `mitmproxy`: the virtual environment that has it; empty: none, and `why` not if that is known.
    """
    for check in (
        _system,
        _privilege,
        _btf,
        _bcc,
        _cgroup2,
        _memory_limit,
        _task_limit,
        _bubblewrap,
        _nftables,
        _uplink,
        partial(_mitmproxy, Path(mitmproxy) if mitmproxy else None, why),
        _network,
        _tracefs,
    ):
        yield check()
    yield from _probes()


def _answer(
    topic: str,
    good: bool,
    found: str,
    cure: str,
    otherwise: Literal["missing", "optional"] = "missing",
) -> Check:
    return Check(
        topic=topic, state="ok" if good else otherwise, found=found, cure="" if good else cure
    )


def _system() -> Check:
    release, machine = os.uname().release, platform.machine()
    numbers = tuple(int(part) for part in re.findall(r"\d+", release)[:2])
    return _answer(
        "kernel",
        numbers >= _OLDEST and machine in MACHINES,
        f"Linux {release} on {machine}",
        "use a kernel from 5.15 on, on x86-64",
    )


def _privilege() -> Check:
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^CapEff:\s*(\w+)", status, re.MULTILINE)
    effective = int(found[1], 16) if found else 0
    lacking = [name for name, bit in _CAPABILITIES.items() if not effective >> bit & 1]
    return _answer(
        "privilege",
        os.geteuid() == 0 and not lacking,
        f"uid {os.geteuid()}, " + (f"without {', '.join(lacking)}" if lacking else "capable"),
        "run as root, or allow sudo without a password",
    )


def _btf() -> Check:
    return _answer(
        "BTF",
        BTF.exists(),
        str(BTF) if BTF.exists() else f"{BTF} is not there",
        "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as Debian's and Ubuntu's are",
        otherwise="missing" if _why_no_bcc() else "optional",
    )


def _bcc() -> Check:
    found, _, cure = _why_no_bcc().partition(": ")
    here = "for kernels without BTF; sees less than the core loader"
    return _answer("BCC", not found, found or here, cure, otherwise="optional")


def _why_no_bcc() -> str:
    """What keeps the bcc loader from working, and the cure; empty when it has what it needs."""
    try:
        BccLoader()
    except AtoError as error:
        return str(error)
    return ""


def _cgroup2() -> Check:
    unified = [one for one in cgroupfs.hierarchies() if one.version == 2]
    return _answer(
        "cgroup2",
        bool(unified),
        str(unified[0].mount) if unified else "no cgroup2 is mounted",
        "mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified",
    )


def _memory_limit() -> Check:
    return _controller("memory limit", "memory", "memory")


def _task_limit() -> Check:
    return _controller("task limit", "pids", "tasks")


def _controller(topic: str, controller: str, limit: str) -> Check:
    having = [one for one in cgroupfs.hierarchies() if controller in one.controllers]
    where = f"cgroup v{having[0].version} at {having[0].mount}" if having else "no controller"
    return _answer(topic, bool(having), where, f"audit with --ato-limit {limit}=none")


def _bubblewrap() -> Check:
    return _program("bubblewrap", "bwrap", "bubblewrap", "--version")


def _nftables() -> Check:
    return _program("nftables", "nft", "nftables", "--version")


def _uplink() -> Check:
    """What `--ato-network=open` needs, and nothing else."""
    found = uplink.program_name()
    without = "neither pasta nor slirp4netns is there; only --ato-network=open needs one"
    cure = "apt-get install passt"
    return _answer("uplink", bool(found), found or without, cure, otherwise="optional")


def _mitmproxy(place: Path | None, why: str) -> Check:
    without = why or "not found: TLS that no probe sees stays opaque, and is reported as such"
    try:
        found = f"{environment.version(place)} in {place}" if place else without
    except AtoError as error:
        place, found = None, str(error)
    return _answer("mitmproxy", place is not None, found, environment.CURE, otherwise="optional")


def _program(topic: str, name: str, package: str, *arguments: str) -> Check:
    try:
        path = program(name, package)
        version = subprocess.run(
            [path, *arguments], capture_output=True, text=True, check=True
        ).stdout
    except subprocess.CalledProcessError as error:
        words = error.stderr.strip().splitlines() or [f"exit status {error.returncode}"]
        return _answer(topic, False, f"{path} does not run: {words[0]}", "use another kernel")
    except (AtoError, OSError):
        return _answer(topic, False, f"{name} is not there", f"apt-get install {package}")
    return _answer(topic, True, version.strip().splitlines()[0][:60], "")


def _network() -> Check:
    from pytest_ato.capture.network import namespaces

    try:
        os.close(namespaces.make())
    except (AtoError, OSError) as error:
        return _answer("namespaces", False, f"refused: {error}", "run as root")
    return _answer("namespaces", True, "a network namespace can be made", "")


def _tracefs() -> Check:
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    where = next((fields[1] for fields in mounts if fields[2] == "tracefs"), None)
    usual = "/sys/kernel/tracing"
    return _answer(
        "tracefs",
        where is not None,
        where or f"not mounted at {usual}; audits do without",
        f"mount -t tracefs tracefs {usual}",
        otherwise="optional",
    )


def _probes() -> Iterator[Check]:
    if not BTF.exists():
        return  # told above
    if not OBJECT.exists():
        yield _answer("probes", False, f"{OBJECT.name} is not there", "reinstall pytest-ato")
        return
    told = ""
    try:
        for trial in trials():
            row = _probe(trial)
            yield row if row.cure != told else msgspec.structs.replace(row, cure="")
            told = row.cure or told
    except AtoError as error:
        yield _answer("probes", False, "none can be loaded", str(error))


def _probe(trial: Trial) -> Check:
    """A row of the table of probes."""
    probe = trial.probe
    found = f"{'required' if probe.required else 'optional':<10}{probe.question}"
    cure = ""
    if not trial.program:
        found += f": {trial.refused[-1].strerror}"
        cure = _ALLOW_BPF if trial.refused[-1].errno == errno.EPERM else _USUAL_KERNEL
    elif probe.alternatives:
        found += f"; in use: {trial.program}"
    return Check(
        topic=probe.name,
        state="ok" if trial.program else "missing" if probe.required else "optional",
        found=found,
        cure=cure,
        section="probes of the core loader",
    )


def main() -> int:
    """Print the answers as JSON lines."""
    write: Callable[[bytes], object] = sys.stdout.buffer.write
    for check in checks(*sys.argv[1:3]):
        write(msgspec.json.encode(check) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
