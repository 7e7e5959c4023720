#!/usr/bin/python3
"""
Trick: Reads what tells a sandbox: mounts, control groups, machine, interfaces.
Known from: al-khaser and pafish, and the container checks of linPEAS and deepce.
First: open family, also when refused
Second: none
"""

import contextlib
from pathlib import Path

PLACES = (
    "/proc/1/cgroup",
    "/proc/1/mountinfo",
    "/proc/1/sched",
    "/proc/self/mountinfo",
    "/proc/self/cgroup",
    "/sys/class/dmi/id/product_name",
    "/proc/scsi/scsi",
    "/proc/modules",
    "/proc/net/dev",
    "/.dockerenv",
    "/run/.containerenv",
)

for place in PLACES:
    with contextlib.suppress(OSError):
        Path(place).read_bytes()
print("performed")
