"""What kind of address one is: pure knowledge of the registries of special purposes."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3"),
        *("::/127", "fc00::/7", "fe80::/9", "ff00::/8"),
    )
)
"""RFC 1122, 1918, 6598, 3927, 2544 (the sinkhole's answers), 5771, 1112; RFC 4193, 4291, 3879."""


@lru_cache(maxsize=4096)
def is_public(address: str) -> bool:
    """Whether `address` is an IP address that a registry may have given to somebody.

    Documentation networks count as such: no registry has them, and then that is what is said.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not any(
        parsed in network for network in _NOT_PUBLIC if network.version == parsed.version
    )
