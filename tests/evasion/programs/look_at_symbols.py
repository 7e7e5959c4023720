#!/usr/bin/python3
"""
Trick: Looks for loaded BPF programs among the kernel's symbols.
Known from: /proc/kallsyms, which names each program even where it hides the addresses.
First: open family
Second: none
"""

from pathlib import Path

with Path("/proc/kallsyms").open() as symbols:
    found = [line for line in symbols if "[bpf]" in line]
print("performed")
