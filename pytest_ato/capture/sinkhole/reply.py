"""The interface between a protocol of the sinkhole and the connection that carries it.

Owns the two shapes and nothing else: a protocol takes bytes and returns a `Reply`; it never sees
a socket or a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pytest_ato.model.record import Event


@dataclass(frozen=True, slots=True)
class Reply:
    """What a protocol wants done after it took some bytes."""

    data: bytes = b""
    close: bool = False
    """End the connection once `data` is sent."""
    events: tuple[Event, ...] = ()


class Handler(Protocol):
    """One connection's protocol, from the server's side."""

    def receive(self, data: bytes) -> Reply:
        """Take the next bytes from the client, in pieces of any size; must not raise."""
        ...


NOTHING = Reply()
