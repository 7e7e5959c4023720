"""Where an open gateway lets packets go: everywhere, or where the audit's policy says.

Owns the sets of addresses in the gateway's packet filter, which grow as the resolver answers
questions for names that are allowed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from pytest_ato.capture.network.rules import enter, program
from pytest_ato.model.errors import CaptureUnavailable, UsageError
from pytest_ato.model.events import Dns
from pytest_ato.model.octets import raw

_TIMEOUT = 30


class Egress:
    """The destinations of one audit."""

    def __init__(self, gateway: int, destinations: Iterable[str]) -> None:
        """Set the filter; no destination: every one is allowed. Raises `UsageError` for one that
        is neither a domain nor an address or network, `CaptureUnavailable`."""
        self._gateway = gateway
        networks, self._domains = _sorted(destinations)
        self._known = set(networks)
        limited = bool(networks or self._domains)
        everywhere = () if limited else ("0.0.0.0/0", "::/0")
        self._run(["flush set inet gateway allowed4", "flush set inet gateway allowed6"])
        self._allow((*networks, *everywhere))

    def answered(self, question: Dns) -> None:
        """Open the way to the addresses of a name that is allowed."""
        name = raw(question.qname).decode("ascii", "replace").lower()
        if not any(name == domain or name.endswith(f".{domain}") for domain in self._domains):
            return
        found = {str(address) for address in filter(None, map(_address, question.answers))}
        self._allow(found - self._known)
        self._known |= found

    def _allow(self, networks: Iterable[str]) -> None:
        self._run(
            f"add element inet gateway allowed{ip_network(network).version} {{ {network} }}"
            for network in networks
        )

    def _run(self, commands: Iterable[str]) -> None:
        text = "\n".join(commands)
        if not text:
            return
        nft = [*enter(self._gateway), program("nft", "nftables"), "-f", "-"]
        try:
            subprocess.run(
                nft, input=text, capture_output=True, text=True, timeout=_TIMEOUT, check=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise CaptureUnavailable(
                f"the gateway's destinations cannot be set: {error}"
            ) from error


def _sorted(destinations: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return networks and domains."""
    networks, domains = [], []
    for destination in destinations:
        try:
            networks.append(str(ip_network(destination, strict=False)))
        except ValueError:
            domain = destination.lower().removeprefix("*.").strip(".")
            if not domain.replace("-", "").replace(".", "").replace("_", "").isalnum():
                raise UsageError(f"{destination!r} is neither a domain nor a network") from None
            domains.append(domain)
    return networks, domains


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        return None  # another kind of record
