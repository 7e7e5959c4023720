"""Which names stand behind an address: what the sinkhole's DNS answers told the target.

Owns the map from address to names and the one way to write a destination, so that findings and
their keys never hold an address that the sinkhole made up. Does no lookups.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from functools import lru_cache
from typing import Final

from pytest_ato.model.events import Dns
from pytest_ato.model.octets import Octets, octets, raw, show
from pytest_ato.model.record import Event

MAX_ADDRESSES: Final = 65536
MAX_NAMES: Final = 8
"""Names that are kept for one address."""
SINKHOLE: Final = ipaddress.ip_network("198.18.0.0/15")
"""The sinkhole answers with addresses of this network (RFC 2544, never routed); which one a name
gets depends on the order of questions, so it never goes into a key."""
_SECOND_LEVEL: Final = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})


class Names:
    """Names of addresses, kept up to date by `update`."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._since: dict[str, int] = {}

    def update(self, event: Event) -> None:
        """Learn what one answer gave."""
        if not isinstance(event, Dns):
            return
        name = printable_name(event.qname)
        for answer in event.answers:
            address = canonical(answer)
            if address is None:
                continue
            known = self._names.get(address, ())
            if name not in known and len(known) < MAX_NAMES:
                self._names[address] = (*known, name)
            since = self._since.get(address, event.ts)
            self._since[address] = min(since, event.ts)
            if len(self._names) > MAX_ADDRESSES:
                oldest, _ = self._names.popitem(last=False)
                del self._since[oldest]

    def names(self, address: str) -> tuple[str, ...]:
        """All names (lower case, printable) that `address` was given for; the first asked first."""
        return self._names.get(canonical(address) or address, ())

    def since(self, address: str) -> int | None:
        """Time of the earliest answer that gave `address`, or None."""
        return self._since.get(canonical(address) or address)

    def describe(self, address: str, port: int = 0) -> str:
        """Write a destination: ``paste.example.org:443``, or ``203.0.113.9:4444`` without a name.

        The result is printable and the same in every run: an address of the sinkhole that no
        answer gave is written as its network.
        """
        names = self.names(address)
        host = names[0] if names else stable_address(address)
        if ":" in host and port:
            host = f"[{host}]"
        return f"{host}:{port}" if port else host


@lru_cache(maxsize=4096)
def canonical(address: str) -> str | None:
    """Canonical text of an IP address (an IPv4-mapped one as IPv4); None when it is none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(parsed)


def stable_address(address: str) -> str:
    """`address` as it may stand in a key; the sinkhole's own are replaced by their network."""
    text = canonical(address)
    if text is None:
        return show(address, 100)
    return str(SINKHOLE) if ipaddress.ip_address(text) in SINKHOLE else text


def printable_name(qname: Octets) -> str:
    """A DNS name as printable lower-case text, without the trailing dot."""
    return show(octets(raw(qname).lower()), 255).rstrip(".")


def parent_domain(name: str) -> str:
    """The part of `name` that somebody registers: its last two labels, or three below ``co.uk``
    and its like. A rule of thumb, without a list of public suffixes."""
    labels = name.rstrip(".").split(".")
    country = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2].lower() in _SECOND_LEVEL
    return ".".join(labels[-3 if country else -2 :])
