#!/usr/bin/python3
"""connect HOST [PORT]: one TCP connection, to an address that no name gave or to a name.

For raw_ip_egress and cloud_metadata.
"""

import socket
import sys

host = sys.argv[1]
port = int(sys.argv[2]) if len(sys.argv) > 2 else 80
with socket.create_connection((host, port), timeout=2) as connection:
    connection.sendall(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
    connection.recv(1024)
