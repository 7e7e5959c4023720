#!/usr/bin/python3
"""
Trick: Executes a shell whose command is 100,000 bytes of nothing, and then the deed.
Known from: rules on arguments, whose sensors keep the first kilobytes of them.
First: open family, for what the command reads; exec, with the arguments' whole length
Second: fanotify on the planted inode
"""

import subprocess

NOTHING = ":;" * 50_000
DEED = "grep -q aws_secret_access_key ~/.aws/credentials && echo performed"

subprocess.run(["/bin/sh", "-c", NOTHING + DEED], check=True)
