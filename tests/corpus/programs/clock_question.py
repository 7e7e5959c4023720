#!/usr/bin/python3
"""One question to a time server, as at a start."""

import contextlib
import socket

with socket.socket(type=socket.SOCK_DGRAM) as channel:
    channel.settimeout(0.3)
    channel.sendto(b"\x1b" + bytes(47), ("time.vendor.example", 123))
    with contextlib.suppress(OSError):
        channel.recv(100)
