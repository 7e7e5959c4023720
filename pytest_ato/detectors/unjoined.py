"""TLS streams that tell no socket, kept until their connection can be told by what it carried.

Owns the waiting room: programs with an event loop of their own (node is one) encrypt into memory,
and send later. Which connection a stream belongs to is said by who sent it and how it begins.
Bounded: when the room is full, the stream that has waited longest is given up on first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from pytest_ato.detectors.connection import Connection
from pytest_ato.detectors.copies import HEAD
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.model.events import Tls
from pytest_ato.model.octets import raw

MAX_BYTES: Final = 8 << 20
"""Bytes that wait, of all streams together."""
MAX_STREAMS: Final = 1024
_OVERHEAD: Final = 200
"""Bytes that a piece costs beside its data."""

Key: TypeAlias = tuple[str, int]


@dataclass(slots=True)
class Waiting:
    """One stream that waits."""

    process: ProcessState
    events: list[Tls] = field(default_factory=list)
    cost: int = 0

    @property
    def head(self) -> bytes:
        """Its first bytes to the peer."""
        head = b""
        for event in self.events:
            if event.direction == "out" and event.data:
                head += raw(event.data)
            if len(head) >= HEAD:
                break
        return head[:HEAD]


class Unjoined:
    """The streams that wait."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Key, Waiting] = OrderedDict()
        self._cost = 0

    def add(self, key: Key, event: Tls, process: ProcessState) -> None:
        """Let one piece wait."""
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = Waiting(process)
        cost = len(raw(event.data)) + _OVERHEAD
        waiting.events.append(event)
        waiting.cost += cost
        self._cost += cost

    @property
    def is_full(self) -> bool:
        """Whether one must go."""
        return self._cost > MAX_BYTES or len(self._waiting) > MAX_STREAMS

    def pop(self) -> tuple[Key, Waiting] | None:
        """Take the stream that has waited longest; None when none waits."""
        key = next(iter(self._waiting), None)
        waiting = self.take(key) if key is not None else None
        return (key, waiting) if key is not None and waiting is not None else None

    def take(self, key: Key) -> Waiting | None:
        """Take one stream; None when it does not wait."""
        waiting = self._waiting.pop(key, None)
        self._cost -= waiting.cost if waiting else 0
        return waiting


def connection_of(
    waiting: Waiting, via: str, connections: Iterable[Connection]
) -> Connection | None:
    """The connection that a stream belongs to, as far as can be told.

    That is one of TLS which no stream of the same source has: first one of the same process that
    began with the same bytes, then of any process, then one of the process of which nobody saw the
    plaintext.
    """
    free = [one for one in connections if one.is_tls and via not in one.seen]
    mine = [one for one in free if _owner(one) == waiting.process.serial]
    head = waiting.head
    same = [one for one in (*mine, *free) if head and _agree(one.plain.head, head)]
    unseen = [one for one in mine if not one.plain.head]
    return next(iter((*same, *unseen)), None)


def _owner(connection: Connection) -> int | None:
    process = connection.place.process
    return process.serial if process else None


def _agree(one: bytes, other: bytes) -> bool:
    size = min(len(one), len(other))
    return size > 0 and one[:size] == other[:size]
