#!/usr/bin/python3
"""
Trick: Starts a 32-bit program without a C library: every call it makes has a 32-bit number.
Known from: droppers such as Mirai's, which come as small static programs for many machines.
First: odd doors (32-bit calls); sched_process_exec
Second: fanotify on the planted inode
"""

import os

os.execv("/opt/shared/child32", ["child32"])
