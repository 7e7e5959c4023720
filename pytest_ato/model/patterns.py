"""Patterns of a policy: their grammar, and the sets of them that something is looked up in.

Owns what a pattern means and which are refused: none may stand for everything. A wrong one raises
ValueError with a sentence that says what is right. Domain names are in `domains`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias

from pytest_ato.model.domains import WILDCARD, is_public_suffix, normal

_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_PORTS: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp))?", re.ASCII)
_WIDEST: Final = 32_768
"""Ports of one range: enough for the ephemeral ones, not for nearly all."""
_SHORTEST: Final = {4: 8, 6: 16}
"""Prefix lengths below which a network is a good part of the Internet."""
_LITERAL: Final = re.compile(r"[^\W_]")
_LEAST_LITERAL: Final = 3
"""Letters and digits of a name right below the home or the root that also has a ``*``."""
_PROGRAM: Final = re.compile(r"[^/*\s]+")
_GLOB: Final = re.compile(r"\*\*|\*")
_HOST: Final = re.compile(r"\[([^]]*)\](?::\d+)?|([^:]*):\d+", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_SYSTEM: Final = re.compile(r"(?:AS)?(\d{1,10})", re.ASCII)
_HOMES: Final = re.compile(r"/(?:root|home)(?=/|$)")

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_domain(pattern: str) -> None:
    """Refuse what is neither NAME nor *.NAME, and a wildcard below a public suffix."""
    name = normal(pattern.removeprefix(WILDCARD))
    if "*" in name or not name:
        raise ValueError(f"expected NAME or *.NAME, got {pattern!r}; a name is written in full")
    if _is_address(name) or "/" in name:
        raise ValueError(f"{pattern!r} is no name; an address or network belongs under cidrs")
    if len(name) > 253 or not all(map(_LABEL.fullmatch, name.split("."))):
        raise ValueError(f"{pattern!r} is no DNS name")
    if pattern.startswith(WILDCARD) and is_public_suffix(name):
        raise ValueError(
            f"{pattern!r} stands for everything that anybody registers below {name}; "
            "name the domain that is meant"
        )


def network(pattern: str) -> _Network:
    """Parse an address or a network in CIDR notation."""
    try:
        found = ipaddress.ip_network(pattern)
    except ValueError as error:
        raise ValueError(f"expected an IP address or network: {error}") from None
    if found.prefixlen < _SHORTEST[found.version]:
        least = _SHORTEST[found.version]
        raise ValueError(
            f"{pattern!r} stands for a good part of all addresses; /{least} is the widest"
        )
    return found


class PortRange(NamedTuple):
    """Ports of one entry; an empty protocol is any."""

    first: int
    last: int
    protocol: str


def ports(entry: int | str) -> PortRange:
    """Parse 443, ``8000-8100``, ``53/udp``."""
    match = _PORTS.fullmatch(str(entry))
    first = int(match[1]) if match else 0
    last = int(match[2] or first) if match else 0
    if match is None or not 0 < first <= last <= 65_535:
        raise ValueError(f"expected a port such as 443, 8000-8100 or 53/udp, got {entry!r}")
    if last - first >= _WIDEST:
        raise ValueError(f"{entry!r} stands for nearly all ports; name those that are meant")
    return PortRange(first, last, match[3] or "")


def check_path(pattern: str) -> None:
    """Refuse what is no path from the root or the home, and a wildcard right below either."""
    if not pattern.startswith(("/", "~/")):
        raise ValueError(f"expected a path that begins with / or ~/, got {pattern!r}")
    if _HOMES.match(pattern):
        raise ValueError(f"{pattern!r}: write ~ for the home, wherever it lies")
    parts = pattern.split("/")[1:]
    if ".." in parts or "." in parts or "" in parts:
        raise ValueError(f"{pattern!r} is not in its shortest form (no //, ., .. or / at the end)")
    if "**" in parts[0] or ("*" in parts[0] and len(_LITERAL.findall(parts[0])) < _LEAST_LITERAL):
        raise ValueError(f"{pattern!r} stands for everything there; name the file or folder")


def check_child(pattern: str) -> None:
    """Refuse what is neither the bare name of a program nor a path."""
    if "/" in pattern:
        check_path(pattern)
    elif not _PROGRAM.fullmatch(pattern):
        raise ValueError(f"expected the name of a program, or its path, got {pattern!r}")


def check_scope(pattern: str) -> None:
    """Refuse what is no path, network, or name (with or without ``:PORT``)."""
    if pattern.startswith(("/", "~")):
        check_path(pattern)
    elif is_network(pattern):
        network(pattern)
    else:
        check_domain(host_of(pattern))


def is_network(text: str) -> bool:
    """Whether `text` is an address or network, well written or not."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def host_of(destination: str) -> str:
    """Take the port off: ``name:443``, ``203.0.113.9:443``, ``[2001:db8::1]:443``."""
    match = _HOST.fullmatch(destination)
    return match[1] or match[2] if match else destination


def country(code: str) -> str:
    """Check an ISO 3166 alpha-2 code."""
    if not _COUNTRY.fullmatch(code):
        raise ValueError(f"expected two capital letters such as DE, got {code!r}")
    return code


def system(number: int | str) -> int:
    """Parse the number of an autonomous system: 64500 or ``AS64500``."""
    match = _SYSTEM.fullmatch(str(number))
    found = int(match[1]) if match else 0
    if not 0 < found < 1 << 32:
        raise ValueError(f"expected a number such as 64500 or AS64500, got {number!r}")
    return found


class Networks:
    """A set of networks; a lookup takes as many steps as there are different prefix lengths."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._known: dict[tuple[int, int], dict[int, str]] = {}
        for pattern in patterns:
            found = network(pattern)
            shift = found.max_prefixlen - found.prefixlen
            place = self._known.setdefault((found.version, shift), {})
            place[int(found.network_address) >> shift] = pattern

    def match(self, address: str) -> str | None:
        """The pattern that covers `address`, the narrowest first, or None."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return None
        for (version, shift), place in sorted(self._known.items()):
            if version == parsed.version and (pattern := place.get(int(parsed) >> shift)):
                return pattern
        return None


class Ports:
    """A set of ports."""

    def __init__(self, entries: Iterable[int | str]) -> None:
        self._ranges = [ports(entry) for entry in entries]

    def __contains__(self, port: tuple[int, str]) -> bool:
        """Whether ``(number, protocol)`` is one of them; an empty protocol is any."""
        number, protocol = port
        return any(
            known.first <= number <= known.last
            and (not known.protocol or not protocol or known.protocol == protocol)
            for known in self._ranges
        )


class Paths:
    """A set of path patterns: ``*`` is any part of one name, ``**`` any path."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._exact: set[str] = set()
        self._globs: list[tuple[re.Pattern[str], str]] = []
        for pattern in patterns:
            if "*" in pattern:
                self._globs.append((_glob(pattern), pattern))
            else:
                self._exact.add(pattern)

    def match(self, path: str) -> str | None:
        """The pattern that covers `path`, which has ``~`` for the home, or None."""
        if path in self._exact:
            return path
        return next((text for glob, text in self._globs if glob.fullmatch(path)), None)


def _glob(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    end = 0
    for found in _GLOB.finditer(pattern):
        parts += [re.escape(pattern[end : found.start()]), ".*" if len(found[0]) > 1 else "[^/]*"]
        end = found.end()
    return re.compile("".join((*parts, re.escape(pattern[end:]))), re.DOTALL)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
