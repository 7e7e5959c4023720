"""Words to the service manager (sd_notify(3)), where there is one."""

from __future__ import annotations

import contextlib
import os
import socket


def notify(*words: str) -> None:
    """Send assignments such as ``READY=1``; nothing happens without ``NOTIFY_SOCKET``."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place.startswith(("/", "@")):
        return
    address = "\0" + place[1:] if place.startswith("@") else place
    with (
        contextlib.suppress(OSError),  # a manager that has gone is no reason to end
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
    ):
        sender.sendto("\n".join(words).encode(), address)
