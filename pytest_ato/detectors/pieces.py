"""Short messages put together again: what was sent in pieces, each over a connection of its own.

Owns the record of short connections by destination, bounded whatever the target sends, and how
the pieces are told from what is around them. Scans nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from os.path import commonprefix
from typing import Final

from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.questions import Joined

MAX_MESSAGE: Final = 4096
"""Bytes up to which a connection is a piece; a longer one is searched well enough by itself."""
MAX_MESSAGES: Final = 4096
MAX_BYTES: Final = 4 << 20
"""Messages that are kept, and their bytes together."""

_END_OF_HEAD: Final = b"\r\n\r\n"


@dataclass(slots=True)
class _Message:
    destination: str
    ts: int
    process: ProcessState | None
    data: bytearray = field(default_factory=bytearray)
    long: bool = False


class Pieces:
    """What went out over each TCP connection, as long as it is short."""

    def __init__(self) -> None:
        self._messages: dict[int, _Message] = {}
        self._bytes = 0

    def add(
        self, connection: int, destination: str, data: bytes, ts: int, process: ProcessState | None
    ) -> None:
        """Take the next bytes of a connection to `destination`."""
        message = self._messages.get(connection)
        if message is None:
            if len(self._messages) >= MAX_MESSAGES:
                return
            message = self._messages[connection] = _Message(destination, ts, process)
        if message.long or self._bytes + len(data) > MAX_BYTES:
            return
        message.data += data
        self._bytes += len(data)
        if len(message.data) > MAX_MESSAGE:
            self._bytes -= len(message.data)
            message.long, message.data = True, bytearray()

    def joined(self) -> Iterator[Joined]:
        """Yield the destinations to which at least two short messages went, in their order."""
        by_destination: dict[str, list[_Message]] = {}
        for message in self._messages.values():
            if message.data:
                by_destination.setdefault(message.destination, []).append(message)
        for destination, messages in by_destination.items():
            if len(messages) > 1:
                first = messages[0]
                texts = _texts([bytes(message.data) for message in messages])
                yield Joined(destination, first.ts, first.process, texts)


def _texts(messages: Sequence[bytes]) -> tuple[bytes, ...]:
    """The bodies (where there are any) and the heads, each without what all of them share."""
    heads = [message.partition(_END_OF_HEAD)[0] for message in messages]
    bodies = [message.partition(_END_OF_HEAD)[2] for message in messages]
    joined = (b"".join(_differing(heads)), b"".join(_differing(bodies)))
    return tuple(text for text in joined if text)


def _differing(texts: Sequence[bytes]) -> list[bytes]:
    """Cut off how all begin and how all end: field names, the words around a piece."""
    start = _same(texts)
    end = _same([text[start:][::-1] for text in texts])
    return [text[start : len(text) - end] for text in texts]


def _same(texts: Sequence[bytes]) -> int:
    """How many bytes all begin with: as many as the first and the last in order do."""
    return len(commonprefix([min(texts), max(texts)]))  # noqa: RUF071 - of bytes, not of folders
