#!/usr/bin/python3
"""
Trick: Feeds a script to a shell's standard input: the arguments show only "sh".
Known from: curl | sh, and the stagers of most Linux droppers.
First: open family, for what the script reads
Second: fanotify on the planted inode
"""

import subprocess

SCRIPT = "grep -q aws_secret_access_key ~/.aws/credentials && echo performed\n"

subprocess.run(["/bin/sh"], input=SCRIPT, text=True, check=True)
