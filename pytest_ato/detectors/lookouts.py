"""Places that tell a program whether it is watched or in a sandbox, and logs that tell on it.

Owns the lists, by path alone. What ordinary runtimes read about their own machine (their own
cgroup, the processor, memory, the kernel's version) is on none of them.
"""

from __future__ import annotations

import re
from typing import Final

from pytest_ato.detectors.paths import home_relative, text
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.programs import base_name

PLACES: Final = ("/proc", "/sys/", "/var/", "/run/", "/.dockerenv", "/home/", "/root/")
"""Where everything on the lists lies."""

_TRACER: Final = re.compile(
    r"/sys/kernel/(?:debug/)?tracing(?:/.*)?|/sys/fs/bpf(?:/.*)?|"
    r"/sys/kernel/debug/(?:kprobes|bpf)/?.*|/proc/kallsyms",
    re.DOTALL,
)
_MARKER: Final = re.compile(r".*/trace_marker(?:_raw)?")
_FINGERPRINTS: Final = tuple(
    (kind, re.compile(pattern, re.DOTALL))
    for kind, pattern in (
        ("container marker", r"/\.dockerenv|/run/\.containerenv|/run/systemd/container"),
        ("init", r"/proc/1/(?:cgroup|sched|environ|comm|cmdline|status|stat|mounts|mountinfo)"),
        ("machine's maker", r"/sys/(?:class|devices/virtual)/dmi/.+|/sys/firmware/(?:dmi|acpi)/.+"),
        ("hypervisor", r"/sys/hypervisor(?:/.*)?|/proc/(?:xen|vz|bc)(?:/.*)?"),
        ("disk's maker", r"/proc/(?:scsi|ide)/.+|/sys/block/[^/]+/device/(?:model|vendor|serial)"),
        ("network card", r"/sys/class/net/[^/]+/address"),
        ("kernel modules", r"/proc/modules|/sys/module/(?:vbox|vmw|hv_|virtio|xen)[^/]*(?:/.*)?"),
        ("temperature", r"/sys/class/(?:thermal|hwmon)/.+"),
        ("battery", r"/sys/class/power_supply(?:/.*)?"),
    )
)
_SYSTEM_LOG: Final = re.compile(
    r"(?:/var)?/(?:run|log)/(?:utmp|wtmp|btmp|lastlog|faillog)|"
    r"/var/log/(?:auth\.log|secure|syslog|messages|kern\.log|daemon\.log|user\.log|cron(?:\.log)?|"
    r"audit/.+|journal/.+)",
    re.DOTALL,
)
_HISTORY: Final = re.compile(r"~/\.(?:bash|zsh|sh|ash|ksh|csh|tcsh)_?history|~/\.history")
_HARDWARE_LISTERS: Final = frozenset(
    {"lscpu", "lspci", "lsusb", "lsblk", "lsmem", "lsmod", "nproc", "free", "uptime", "sensors"}
)
_PROCESS_LISTERS: Final = frozenset(
    {"ps", "pgrep", "pkill", "pidof", "pidwait", "killall", "killall5", "top", "htop", "pstree"}
    | {"lsof", "fuser", "ss", "netstat", "w", "vmstat", "pwdx", "systemctl", "lsns"}
)


def tracer_place(path: str, writes: bool) -> bool:
    """Whether `path` belongs to the kernel's tracing, or names what is loaded into the kernel for
    it; a program may mark its own events there."""
    return bool(_TRACER.fullmatch(path)) and not (writes and _MARKER.fullmatch(path))


def fingerprint(path: str) -> str:
    """What of the machine `path` tells that gives a sandbox away; empty when it is nothing."""
    return next((kind for kind, pattern in _FINGERPRINTS if pattern.fullmatch(path)), "")


def log_kind(path: str, home: str = "") -> str:
    """``system log`` or ``shell history`` for a file that keeps what somebody did, or empty."""
    if _SYSTEM_LOG.fullmatch(path):
        return "system log"
    return "shell history" if _HISTORY.fullmatch(home_relative(path, home)) else ""


def lists_hardware(process: ProcessState) -> bool:
    """Whether it is a tool of the system's that shows the machine."""
    return _is_tool(process, _HARDWARE_LISTERS)


def lists_processes(process: ProcessState) -> bool:
    """Whether it is a tool of the system's that shows processes."""
    return _is_tool(process, _PROCESS_LISTERS)


def _is_tool(process: ProcessState, names: frozenset[str]) -> bool:
    if not text(process.file).startswith(("/usr/", "/bin/", "/sbin/")):
        return False
    name = base_name(process.file)
    if name == "busybox":
        return any(base_name(word) in names for word in process.argv[:2])
    return name in names
