"""Where an open gateway lets packets go: everywhere, or where the audit's policy says.

Owns the sets of addresses in the gateway's packet filter, which grow as the resolver answers
questions for names that are allowed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from pytest_ato.capture.network.rules import enter, program
from pytest_ato.model.domains import Domains
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.events import Dns
from pytest_ato.model.octets import raw
from pytest_ato.model.patterns import is_network

_TIMEOUT = 30


class Egress:
    """The destinations of one audit."""

    def __init__(self, gateway: int, destinations: Iterable[str] | None) -> None:
        """Set the filter; None: every destination is allowed. Raises `CaptureUnavailable`."""
        self._gateway = gateway
        given = ("0.0.0.0/0", "::/0") if destinations is None else tuple(destinations)
        self._names = tuple(one for one in given if not is_network(one))
        self._domains = Domains(self._names)
        self._known = {one for one in given if is_network(one)}
        self._run(["flush set inet gateway allowed4", "flush set inet gateway allowed6"])
        self._allow(self._known)

    @property
    def names(self) -> tuple[str, ...] | None:
        """The domains among them; None: there are none, so that a name says nothing."""
        return self._names or None

    def answered(self, question: Dns) -> None:
        """Open the way to the addresses of a name that is allowed."""
        if self._domains.match(raw(question.qname).decode("ascii", "replace")) is None:
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


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        return None  # another kind of record
