"""The kernel side's records as Python reads them: the twin of `bpf/include/abi.h`.

Owns the layouts and the kernel's own numbers, nothing else. A test compiles the header and compares
every size and offset. Layouts are native: the reader runs on the machine whose kernel writes them.
"""

from __future__ import annotations

import functools
import os
import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

CRITICAL: Final = 0
BULK: Final = 1
PLAIN: Final = 2
CLASSES: Final = ("critical", "bulk", "plain")

FORK: Final = 1
EXEC: Final = 2
EXIT: Final = 3
PATH: Final = 4
MAP: Final = 5
MEMFD: Final = 6
ADDR: Final = 7
STATE: Final = 8
DOOR: Final = 9
TLS: Final = 10

F_UNREAD: Final = 0x01
F_TRUNCATED: Final = 0x02
F_CHANGED: Final = 0x04
F_FILE: Final = 0x08
F_KERNEL: Final = 0x10
F_NESTED: Final = 0x20

DOOR_CALL: Final = 1
DOOR_COMPAT: Final = 2
DOOR_URING: Final = 3
DOOR_RIGHTS: Final = 4
DOOR_ARGS: Final = 5
DOOR_TEXT: Final = 152

TLS_WRITES: Final = 0x01
TLS_INT: Final = 0x02
TLS_EX: Final = 0x04
TLS_EX2: Final = 0x06
TLS_SIZE: Final = 0x08
TLS_NSPR: Final = 0x0A
TLS_GO: Final = 0x0C
TLS_GO_STACK: Final = 0x0E
TLS_FREE: Final = 0x10
TLS_OPENSSL: Final = 0x100
TLS_GNUTLS: Final = 0x200
TLS_NSS: Final = 0x300
TLS_GOLANG: Final = 0x400
TLS_CANARY: Final = 0x500
TLS_LIBRARY: Final = 0x700
"""Bits of a function's code that say whose it is."""
TLS_WHICH: Final = 11
"""How far left the bits are that tell functions apart, all else being equal."""

TLS_OUT: Final = 1
TLS_DONE: Final = 2
TLS_IN: Final = 3
TLS_CLOSED: Final = 4
TLS_SOCKET: Final = 5
TLS_COUNTED: Final = 6
TLS_WROTE: Final = 7
CHUNK: Final = 16384

MODE_UNKNOWN: Final = 0xFFFF
"""Of a standard descriptor that a kernel side could not look at."""

TEXTS: Final = 4
SHORT_TEXT: Final = 168
STRIDE: Final = 256
"""Bulk records lie in the ring at multiples of this, header included."""
RING_HEADER: Final = 8


@dataclass(frozen=True)
class Layout:
    """A C struct: its fields in order, with the `struct` codes of each."""

    name: str
    fields: tuple[tuple[str, str], ...]

    @property
    def format(self) -> struct.Struct:
        """Native byte order and alignment, as the C compiler lays it out."""
        return struct.Struct("".join(code for _, code in self.fields))

    def offsets(self) -> dict[str, int]:
        """Offset of each field."""
        result, codes = {}, ""
        for name, code in self.fields:
            # the offset of a field is where an empty array of its type would start
            kind = code.lstrip("0123456789")
            result[name] = struct.calcsize(f"{codes}0{'B' if kind in 'sx' else kind}")
            codes += code
        return result


_HEADER: Final = (("ts", "Q"), ("tgid", "I"), ("tid", "I"), ("kind", "H"), ("flags", "H"))
_PADDED_HEADER: Final = (*_HEADER, ("pad", "4x"))

FORK_LAYOUT: Final = Layout("ato_fork", (*_PADDED_HEADER, ("child", "I"), ("inner", "I")))
EXIT_LAYOUT: Final = Layout("ato_exit", (*_PADDED_HEADER, ("code", "I"), ("pad", "4x")))
PATH_LAYOUT: Final = Layout(
    "ato_path",
    (
        *_PADDED_HEADER,
        ("ret", "q"),
        ("ino", "Q"),
        ("value", "Q"),
        ("dev", "I"),
        ("nlink", "I"),
        ("dfd", "i"),
        ("dfd2", "i"),
        ("arg", "I"),
        ("nr", "H"),
        ("pad", "2x"),
        ("len", "4H"),
    ),
)
"""Without `text`, which follows."""
EXEC_LAYOUT: Final = Layout(
    "ato_exec",
    (
        *_PADDED_HEADER,
        ("ino", "Q"),
        ("args", "Q"),
        ("dev", "I"),
        ("nlink", "I"),
        ("ppid", "I"),
        ("uid", "I"),
        ("inner", "I"),
        ("stdio_mode", "3H"),
        ("stdio_family", "3H"),
        ("stdio_protocol", "3H"),
        ("nr", "H"),
        ("stdio_rdev", "3I"),
        ("len", "3H"),
        ("pad", "2x"),
        ("pad2", "4x"),
    ),
)
"""The texts follow."""
ADDR_LAYOUT: Final = Layout(
    "ato_addr",
    (
        *_PADDED_HEADER,
        ("ret", "q"),
        ("cookie", "Q"),
        ("size", "Q"),
        ("fd", "i"),
        ("nr", "H"),
        ("family", "H"),
        ("type", "H"),
        ("protocol", "H"),
        ("addr_len", "H"),
        ("pad", "2x"),
        ("addr", "128s"),
    ),
)
STATE_LAYOUT: Final = Layout(
    "ato_state",
    (
        *_PADDED_HEADER,
        ("cookie", "Q"),
        ("family", "H"),
        ("lport", "H"),
        ("dport", "H"),
        ("oldstate", "B"),
        ("newstate", "B"),
        ("saddr", "16s"),
        ("daddr", "16s"),
    ),
)
DOOR_LAYOUT: Final = Layout(
    "ato_door",
    (
        *_PADDED_HEADER,
        ("ret", "q"),
        ("args", "5Q"),
        ("ino", "Q"),
        ("dev", "I"),
        ("what", "I"),
        ("nr", "I"),
        ("len", "I"),
        ("text", "152s"),
    ),
)
TLS_LAYOUT: Final = Layout(
    "ato_tls",
    (
        *_PADDED_HEADER,
        ("object", "Q"),
        ("call", "Q"),
        ("cookie", "Q"),
        ("size", "q"),
        ("at", "Q"),
        ("fd", "i"),
        ("len", "I"),
        ("function", "H"),
        ("what", "H"),
        ("pad", "4x"),
    ),
)
"""The bytes follow."""
SCOPE_LAYOUT: Final = Layout(
    "ato_scope",
    (
        ("cgroup", "Q"),
        ("level", "I"),
        ("netns", "I"),
        ("ignore", "2I"),
        ("active", "I"),
        ("generation", "I"),
    ),
)
COUNTS_LAYOUT: Final = Layout(
    "ato_counts",
    (
        ("produced", "3Q"),
        ("lost", "3Q"),
        ("unread", "3Q"),
        ("truncated", "3Q"),
        ("coalesced", "3Q"),
    ),
)
LAYOUTS: Final = (
    FORK_LAYOUT,
    EXIT_LAYOUT,
    PATH_LAYOUT,
    EXEC_LAYOUT,
    ADDR_LAYOUT,
    STATE_LAYOUT,
    DOOR_LAYOUT,
    TLS_LAYOUT,
    SCOPE_LAYOUT,
    COUNTS_LAYOUT,
)


class Scope(NamedTuple):
    """Value of the map `scope`."""

    cgroup: int
    level: int
    netns: int = 0
    ignore: tuple[int, int] = (0, 0)
    active: bool = False
    generation: int = 0

    def pack(self) -> bytes:
        """As the kernel side reads it."""
        return SCOPE_LAYOUT.format.pack(
            self.cgroup, self.level, self.netns, *self.ignore, self.active, self.generation
        )


IDLE: Final = Scope(cgroup=0, level=0)
"""No audit is live: the probes record nothing."""


@functools.lru_cache(maxsize=256)
def device(kernel: int) -> int:
    """``st_dev`` of the kernel's own ``dev_t`` (20 bits of minor)."""
    return os.makedev(kernel >> 20, kernel & 0xFFFFF)
