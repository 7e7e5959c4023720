"""Whose an audit container is, and the removal of those whose owner is dead.

Owns the label. A container ends with its caller by itself; what this finds was left by an engine
that went away meanwhile.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from pytest_ato.runtime.docker.engine import Engine

LABEL: Final = "org.pytest-ato.owner"


def own() -> str:
    """This process, told from all others: of this boot, in this pid namespace, with its start."""
    pid = os.getpid()
    return f"{_here()} {pid} {_started(pid)}"


def sweep(engine: Engine) -> None:
    """Remove the containers of dead processes of this machine; those of others are theirs."""
    with suppress(Exception):  # the next one sweeps what this one could not
        for container in engine.containers(all=True, filters={"label": LABEL}):
            if _is_dead(container["Labels"][LABEL]):
                with suppress(Exception):
                    engine.remove_container(container["Id"], force=True, v=True)


def _is_dead(label: str) -> bool:
    here, _, process = label.rpartition(" ")[0].rpartition(" ")
    started = label.rpartition(" ")[2]
    return here == _here() and process.isdecimal() and _started(int(process)) != started


def _here() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def _started(pid: int) -> str:
    """When a process started, in ticks since the boot (proc(5)); empty: there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
