#!/usr/bin/python3
"""evade WAY: look for who watches, or cover tracks, or come near it. For tamper_and_evasion.

tracer       look into the kernel's tracing
scan         look through the names of all processes: medium
traceme      ask to be traced, which fails where somebody traces already: medium
self_delete  a program that runs from /tmp removes itself
history      remove the shell's history
fingerprint  look for a container, a hypervisor, the maker of the machine
own          what runtimes read about themselves
children     look after children
tidy         remove a program that has ended
"""

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path


def look_at(*paths: str) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            Path(path).read_bytes()


match sys.argv[1]:
    case "tracer":
        look_at("/sys/kernel/tracing/kprobe_events", "/sys/kernel/debug/tracing/set_event")
    case "scan":
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                look_at(f"{entry}/comm")
    case "traceme":
        ctypes.CDLL(None).ptrace(0, 0, 0, 0)
    case "self_delete":
        script = Path("/tmp/stage2.sh")
        script.write_text('#!/bin/sh\nrm "$0"\n')
        script.chmod(0o755)
        subprocess.run([script], check=True)
    case "history":
        Path("~/.bash_history").expanduser().unlink(missing_ok=True)
    case "fingerprint":
        look_at("/.dockerenv", "/sys/class/dmi/id/product_name", "/proc/scsi/scsi")
    case "own":
        look_at("/proc/self/status", "/proc/self/cgroup", "/proc/self/maps", "/proc/cpuinfo")
        look_at("/proc/meminfo", "/proc/version", "/sys/fs/cgroup/memory.max")
        look_at(f"/proc/{os.getpid()}/status")
    case "children":
        with subprocess.Popen(["/bin/sleep", "0.2"]) as child:
            for entry in Path("/proc").iterdir():
                if entry.name in (str(os.getpid()), str(child.pid)):
                    look_at(f"{entry}/stat")
    case "tidy":
        tool = shutil.copy("/bin/true", "/tmp/tool")
        subprocess.run([tool], check=True)
        Path(tool).unlink()
