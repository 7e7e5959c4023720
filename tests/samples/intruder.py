"""Somebody else in the target's network, who sends without any socket of the audit.

No program can do it from inside the sandbox, which has no raw sockets: so it enters the target's
network namespace from outside, as a program that has broken out could.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_ato.flows.interfaces import namespace

PEER: Final = "203.0.113.77"
PORT: Final = 4444
SEGMENTS: Final = 3


@contextlib.contextmanager
def intruder(program: str) -> Iterator[None]:
    """Send some SYN segments as soon as `program`, which may end in no second, has started."""
    over = threading.Event()
    thread = threading.Thread(target=_intrude, args=(program.split(), over))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _intrude(words: list[str], over: threading.Event) -> None:
    while not (pid := _find(words)):
        if over.wait(0.02):
            return
    with namespace(str(pid)) as inside:
        raw = inside.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 6))
    with raw:
        segment = struct.pack("!HHIIBBHHH", 5555, PORT, 1, 0, 0x50, 0x02, 512, 0, 0)
        for _ in range(SEGMENTS):
            raw.sendto(segment, (PEER, 0))


def _find(words: list[str]) -> int:
    """Process id of the target, which runs at a place that only the sandbox has; or 0."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = path.read_bytes().decode(errors="replace").split("\0")[1:-1]
            if command[:1] == [f"/opt/{words[0]}/{words[0]}"] and command[1:] == words[1:]:
                return int(path.parent.name)
    return 0
