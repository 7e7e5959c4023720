"""What the figures were measured on, without anything that names the machine."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path


def describe() -> Mapping[str, str]:
    """The time, processor, memory, kernel, versions, our priority, and how busy the machine was."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return {
        "measured": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "processor": f"{os.cpu_count()} x {_value('/proc/cpuinfo', 'model name')}"
        + (", virtual" if "hypervisor" in _value("/proc/cpuinfo", "flags") else ""),
        "memory": f"{int(_value('/proc/meminfo', 'MemTotal').split()[0]) / 1e6:.1f} GB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "strace": version("strace", "--version").removeprefix("strace -- version "),
        "bpftrace": version("bpftrace", "--version").removeprefix("bpftrace "),
        "perf": _version_if_there("perf", "--version"),
        "bcc": _package("python3-bpfcc"),
        "priority": f"nice {os.getpriority(os.PRIO_PROCESS, 0)}",
        "load average at the start (1, 5, 15 minutes)": load,
    }


def version(*command: str) -> str:
    """First line that `command` prints."""
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return result.stdout.splitlines()[0]


def _version_if_there(*command: str) -> str:
    """Of a peer that a figure can do without."""
    try:
        return version(*command).removeprefix(f"{command[0]} version ")
    except (OSError, subprocess.CalledProcessError):
        return "not there"


def _package(name: str) -> str:
    """Of a library, by Debian's package: it has no program to ask."""
    return _version_if_there("dpkg-query", "--show", "--showformat=${Version}", name)


def _value(file: str, key: str) -> str:
    for line in Path(file).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"
