#!/usr/bin/python3
"""
Trick: Executes a script that lies in shared memory, by its interpreter line.
Known from: post-exploitation kits that stage in /dev/shm because it is writable and never on disk.
First: sched_process_exec: the name that the kernel was given
Second: open family
"""

import os

with open("/dev/shm/page", "w", opener=lambda path, flags: os.open(path, flags, 0o700)) as script:
    script.write("#!/bin/sh\necho performed\n")
os.execv("/dev/shm/page", ["page"])
