"""What opaque transports look like from outside: by the first bytes, by size, by their spread.

Owns the shapes. Each function says what the bytes are, or that they are nothing it knows; a shape
is a likelihood, and whether it matters is for a detector to say.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

ENTROPY_BYTES: Final = 256
"""Bytes from which on their spread says something."""
_ENTROPY: Final = 0.93
"""Of the entropy that as many random bytes have: compressed and encrypted data is above it, text
and tables of numbers are far below."""
_QUIC_VERSIONS: Final = frozenset({0x00000001, 0x6B3343CF})
_QUIC_SMALLEST: Final = 1200
"""Bytes that a client pads its first packets to (RFC 9000, 14.1)."""
_WIREGUARD_INITIATION: Final = 148
_TOR_NAME: Final = re.compile(r"www\.[a-z2-7]{8,25}\.(?:com|net)")
_DOH_PATH: Final = re.compile(rb"(?:https?://[^/]+)?(?:/[\w.-]+)*/(?:dns-query|resolve)(?:\?.*)?$")
_DOH_TYPES: Final = (b"application/dns-message", b"application/dns-json")
_DOH_HOSTS: Final = frozenset(
    {
        *("dns.google", "dns.google.com", "cloudflare-dns.com", "mozilla.cloudflare-dns.com"),
        *("chrome.cloudflare-dns.com", "one.one.one.one", "dns.quad9.net", "doh.opendns.com"),
        *("dns.nextdns.io", "dns.adguard.com", "dns.adguard-dns.com", "doh.cleanbrowsing.org"),
    }
)
_PACKED: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"\xfd7zXZ", b"BZh")


def packet(data: bytes, size: int) -> str:
    """What a UDP packet of `size` bytes that begins with `data` is: ``QUIC``, ``WireGuard`` or
    empty."""
    if len(data) >= 5 and data[0] & 0xC0 == 0xC0 and size >= _QUIC_SMALLEST:
        version = int.from_bytes(data[1:5], "big")
        is_draft = version >> 8 == 0xFF0000
        # Versions that are only there to keep servers tolerant look like 0x?a?a?a?a.
        if version in _QUIC_VERSIONS or is_draft or version & 0x0F0F0F0F == 0x0A0A0A0A:
            return "QUIC"
    if data[:4] == b"\x01\0\0\0" and size == _WIREGUARD_INITIATION:
        return "WireGuard"
    return ""


def greeting(data: bytes) -> str:
    """What a TCP client that begins so speaks: ``SSH`` or empty."""
    return "SSH" if data.startswith(b"SSH-") else ""


def is_tor_name(server_name: str) -> bool:
    """Whether a client that asks for this name by TLS may be one of Tor's: it makes names up."""
    return _TOR_NAME.fullmatch(server_name) is not None


def is_dns_host(server_name: str) -> bool:
    """Whether it is a well-known host that answers DNS over HTTPS."""
    return server_name in _DOH_HOSTS


def is_dns_request(target: bytes, accept: bytes, content_type: bytes) -> bool:
    """Whether an HTTP request is a DNS question (RFC 8484, and Google's JSON form)."""
    if any(kind in accept or kind in content_type for kind in _DOH_TYPES):
        return True
    return b"/dns-query" in target and _DOH_PATH.match(target[:4096]) is not None


def is_random(data: bytes) -> bool:
    """Whether bytes are spread as those of encrypted data are, and no known packed format."""
    if len(data) < ENTROPY_BYTES or data.startswith(_PACKED):
        return False
    size = len(data)
    entropy = -sum(n / size * math.log2(n / size) for n in Counter(data).values())
    # What random bytes have, less Miller's correction for a sample (1955).
    expected = 8 - 255 / (2 * size * math.log(2))
    return entropy / expected > _ENTROPY
