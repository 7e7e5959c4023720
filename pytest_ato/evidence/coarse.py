"""The evidence view: what goes into a log that is kept for years, and to people outside.

Owns the coarsening of addresses (to /24 and /48) and ports (to 0), in fields and inside of texts.
What it takes has been through the report view: secrets and markers are masked already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_ato.evidence.canonical import Json

V4_PREFIX: Final = 24
V6_PREFIX: Final = 48

_PORTS: Final = re.compile(r"(?:[a-z]+_)?(?:port|sport|dport|ports)", re.IGNORECASE)
_ADDRESS: Final = re.compile(
    r"(?<![\w.:])\[?(?P<address>\d{1,3}(?:\.\d{1,3}){3}|(?=[\da-f]*:)[\da-f:]*:[\da-f:.]*[\da-f:])"
    r"(?:%\w+)?\]?(?:/(?P<prefix>\d{1,3}))?(?::(?P<port>\d{1,5}))?(?![\w])",
    re.IGNORECASE,
)
_NAME_AND_PORT: Final = re.compile(
    r"(?<![\w.-])((?:[\w-]+\.)+[\w-]*[a-z][\w-]*):\d{1,5}(?![\w:])", re.I
)


def mask_sensitive_fields(value: Json) -> Json:
    """Return `value` with addresses as their networks and ports as 0; of any depth, idempotent."""
    if isinstance(value, Mapping):
        return {key: _field(key, each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [mask_sensitive_fields(each) for each in value]
    return _text(value) if isinstance(value, str) else value


def _field(name: str, value: Json) -> Json:
    if not _PORTS.fullmatch(name):
        return mask_sensitive_fields(value)
    if isinstance(value, list | tuple):
        return [0 for _ in value]
    return 0 if isinstance(value, int | str) and not isinstance(value, bool) else value


def _text(text: str) -> str:
    coarse = _ADDRESS.sub(_network, text) if "." in text or ":" in text else text
    return _NAME_AND_PORT.sub(r"\1:0", coarse) if ":" in coarse else coarse


def _network(match: re.Match[str]) -> str:
    try:
        address = ip_address(match["address"])
    except ValueError:
        return match.group()
    most = V4_PREFIX if address.version == 4 else V6_PREFIX
    given = int(match["prefix"] or most)
    network = ip_network(f"{address}/{min(given, most)}", strict=False)
    return f"{network}:0" if match["port"] else str(network)
