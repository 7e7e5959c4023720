"""The event log's records: what was observed, one frozen struct a kind.

Owns the names and shapes on the wire between capture and analysis, in `events.jsonl` and in
replay. A field holds what its source said; interpretation belongs to detectors. `kind` is the tag
of the JSON object; fields at their default are left out.

Units: `ts` is nanoseconds of the kernel's monotonic clock; sizes are bytes; `dev` is `st_dev` of
`os.stat`. A `result` is the system call's return value, so negative numbers are ``-errno``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from pytest_ato.model.events.audit import (
    FORMAT,
    MOST_TOKENS,
    Audit,
    Counters,
    End,
    Honeytoken,
    Lost,
    Planted,
    Signing,
    Start,
    Timing,
    Unavailable,
)
from pytest_ato.model.events.doors import (
    Door,
)
from pytest_ato.model.events.enrichment import (
    Enrichment,
)
from pytest_ato.model.events.files import (
    Chmod,
    FileEvent,
    Link,
    Map,
    Memfd,
    Open,
    Rename,
    Touch,
    Truncate,
    Unlink,
)
from pytest_ato.model.events.network import (
    Datagram,
    Dns,
    Flow,
    Tcp,
)
from pytest_ato.model.events.processes import (
    Exec,
    Exit,
    Fork,
    Output,
)
from pytest_ato.model.events.sockets import (
    Bind,
    Connect,
    Send,
    SocketState,
)
from pytest_ato.model.events.tls import (
    Handshake,
    Tls,
    Watched,
)
from pytest_ato.model.findings import Finding
from pytest_ato.model.record import Event

__all__ = [
    "FORMAT",
    "MOST_TOKENS",
    "AnyEvent",
    "Audit",
    "Bind",
    "Chmod",
    "Connect",
    "Counters",
    "Datagram",
    "Dns",
    "Door",
    "End",
    "Enrichment",
    "Exec",
    "Exit",
    "FileEvent",
    "Flow",
    "Fork",
    "Handshake",
    "Honeytoken",
    "Link",
    "Lost",
    "Map",
    "Memfd",
    "Open",
    "Output",
    "Planted",
    "Rename",
    "Send",
    "Signing",
    "SocketState",
    "Start",
    "Tcp",
    "Timing",
    "Tls",
    "Touch",
    "Truncate",
    "Unavailable",
    "Unlink",
    "Watched",
    "decode",
    "decode_lines",
    "encode",
    "encode_lines",
]

AnyEvent: TypeAlias = (
    Audit
    | Honeytoken
    | Signing
    | Unavailable
    | Start
    | Planted
    | Lost
    | Timing
    | End
    | Fork
    | Exec
    | Exit
    | Open
    | Rename
    | Link
    | Unlink
    | Truncate
    | Chmod
    | Map
    | Memfd
    | Connect
    | Send
    | Bind
    | SocketState
    | Door
    | Touch
    | Dns
    | Tcp
    | Datagram
    | Flow
    | Tls
    | Handshake
    | Watched
    | Enrichment
    | Output
    | Finding
)

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """One line of the event log, without the newline."""
    return _ENCODER.encode(event)


def encode_lines(events: Iterable[Event]) -> bytes:
    """Lines of the event log, each with its newline."""
    return _ENCODER.encode_lines(events)


def decode_lines(lines: bytes) -> list[AnyEvent]:
    """Decode lines joined by newlines; raises `msgspec.DecodeError` if one of them is no record."""
    try:
        events = _DECODER.decode_lines(lines)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(str(error)) from None
    if len(events) != lines.count(b"\n") + 1:
        raise msgspec.DecodeError("a line is empty, or a record has more than one")
    return events


def decode(line: bytes) -> AnyEvent:
    """Decode one line; raises `msgspec.DecodeError` (or its child ValidationError)."""
    try:
        return _DECODER.decode(line)
    except (UnicodeDecodeError, RecursionError) as error:  # see `MALFORMED`
        raise msgspec.DecodeError(str(error)) from None
