#!/usr/bin/python3
"""
Trick: Goes through /proc for the names, arguments and environments of others.
Known from: lists of security agents in miners such as Kinsing and TeamTNT's scripts.
First: open family, also when refused
Second: none
"""

import contextlib
from pathlib import Path

for process in Path("/proc").glob("[0-9]*"):
    for name in ("comm", "cmdline", "environ", "maps", "status"):
        with contextlib.suppress(OSError):
            (process / name).read_bytes()
print("performed")
