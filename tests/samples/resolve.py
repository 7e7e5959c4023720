#!/usr/bin/python3
"""resolve WAY: ask for many names. For dns_tunnel.

`tunnel` carries 2 KiB of random bytes in base32 labels below one domain; `cdn` asks for the few
hashed names that a content network gives its customers; `ordinary` for names that people chose.
"""

import base64
import random
import socket
import sys

random.seed(7)  # the same names in every run


def tunnel() -> list[str]:
    data = random.randbytes(2048)
    chunks = [data[start : start + 35] for start in range(0, len(data), 35)]
    labels = [base64.b32encode(chunk).decode().rstrip("=").lower() for chunk in chunks]
    return [f"{label}.{number}.t.vendor.example" for number, label in enumerate(labels)]


def cdn() -> list[str]:
    hashes = [f"d{random.getrandbits(52):013x}" for _ in range(8)]
    return [f"{name}.cdn.example" for name in hashes]


def ordinary() -> list[str]:
    hosts = ("www", "api", "static", "images", "updates", "docs", "login", "status")
    return [f"{host}.vendor.example" for host in hosts]


NAMES = {"tunnel": tunnel, "cdn": cdn, "ordinary": ordinary}

for name in NAMES[sys.argv[1]]():
    socket.getaddrinfo(name, 443, socket.AF_INET)
