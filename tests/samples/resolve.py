#!/usr/bin/python3
"""resolve WAY: ask for names. For dns_tunnel, dga_domains, exfil_service, miner, cloud_metadata.

`tunnel` carries 2 KiB of random bytes in base32 labels below one domain; `cdn` asks for the few
hashed names that a content network gives its customers; `ordinary` for names that people chose.
`trickle` carries a few bytes, in labels of four digits. `generated` asks for domains that a
generator made up, `words` for ones that it made of words, `typos` for ones that people mistyped.
`service` asks for a webhook service, `documents` for pages about one; `pool` for a mining pool;
`metadata` for a cloud's metadata service.
"""

import base64
import random
import socket
import string
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


def generated() -> list[str]:
    lengths = [random.randint(10, 16) for _ in range(25)]
    return [f"{''.join(random.choices(string.ascii_lowercase, k=n))}.example" for n in lengths]


def trickle() -> list[str]:
    return [f"{random.randbytes(2).hex()}.t.vendor.example" for _ in range(8)]


def words() -> list[str]:
    first = "silver river summer garden winter yellow morning simple golden bright".split()
    second = "house market forest window travel planet mountain bridge station letter".split()
    return [f"{a}{b}.example" for a, b in zip(first, random.sample(second, 10), strict=True)]


def typos() -> list[str]:
    names = "gogle facebok amazn microsft wikipdia youtub twiter linkdin netflx instagrm githb"
    return [f"{name}.example" for name in names.split()]


NAMES = {
    "tunnel": tunnel,
    "cdn": cdn,
    "ordinary": ordinary,
    "trickle": trickle,
    "generated": generated,
    "words": words,
    "typos": typos,
    "service": lambda: ["a1b2c3.webhook.site"],
    "documents": lambda: ["docs.pipedream.net", "webhook.site.vendor.example"],
    "pool": lambda: ["xmr-eu1.nanopool.org"],
    "metadata": lambda: ["metadata.google.internal"],
}

for name in NAMES[sys.argv[1]]():
    socket.getaddrinfo(name, 443, socket.AF_INET)
