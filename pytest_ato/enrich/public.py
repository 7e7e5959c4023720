"""Which addresses of an audit a registry can say something of.

Owns what counts as public. The sinkhole's own answers do not: where the names really lead is not
known, and asking for them would carry the target's words out of the sandbox.
"""

from __future__ import annotations

from typing import Final

from pytest_ato.model.addresses import is_public
from pytest_ato.model.events import Connect, Datagram, Send, Tcp

MAX_ADDRESSES: Final = 4096
"""Different addresses that are asked for; later ones are counted, and are unknown."""


class PublicAddresses:
    """Collects them from the events of one audit, in the order of first use."""

    TAKES: Final = (Connect, Send, Tcp, Datagram)
    """Classes of the events that name an address."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}
        self.more = 0
        """Uses of further addresses, beyond `MAX_ADDRESSES`."""

    @property
    def found(self) -> tuple[str, ...]:
        """The different addresses."""
        return tuple(self._found)

    def take(self, event: Connect | Send | Tcp | Datagram) -> None:
        """Learn from one event."""
        if isinstance(event, Tcp | Datagram) or event.family in ("inet", "inet6"):
            self._add(event.address)

    def _add(self, address: str) -> None:
        if address in self._found or not is_public(address):
            return
        if len(self._found) < MAX_ADDRESSES:
            self._found[address] = None
        else:
            self.more += 1
