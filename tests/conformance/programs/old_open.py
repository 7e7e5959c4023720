#!/usr/bin/python3
"""Reads a planted file through the call `open`, which libraries have long ceased to use."""

import ctypes
import os
from pathlib import Path

OPEN = 2  # x86-64

path = Path.home() / ".pgpass"
os.read(ctypes.CDLL(None).syscall(OPEN, bytes(path), os.O_RDONLY), 10)
