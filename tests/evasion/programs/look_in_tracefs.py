#!/usr/bin/python3
"""
Trick: Looks for tracing in the file systems that show it.
Known from: checks for active probes in tracefs, debugfs and bpffs, before the payload runs.
First: open family, also when refused
Second: none
"""

import errno
from pathlib import Path

PLACES = ("/sys/kernel/tracing/enabled_functions", "/sys/kernel/debug/kprobes/list", "/sys/fs/bpf")

for place in PLACES:
    try:
        with Path(place).open() as file:
            file.read(1)
    except OSError as error:
        print(f"blocked: {errno.errorcode[error.errno]}")
        break
else:
    print("performed")
