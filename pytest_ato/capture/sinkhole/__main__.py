"""The sinkhole process: ``python -m pytest_ato.capture.sinkhole UID``.

Standard input is the control socket, standard output the stream of events. It starts as root
without capabilities but those to change its user, loads what it needs, and gives them up before
it reads the first byte.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys

from pytest_ato.capture import privileges
from pytest_ato.capture.sinkhole import limits, warm
from pytest_ato.capture.sinkhole.server import run

_MEMORY = 512 << 20
_SPARE_DESCRIPTORS = 64


def main() -> None:
    """Serve until capture closes the control socket."""
    warm.up()
    privileges.drop(
        int(sys.argv[1]),
        memory=_MEMORY,
        descriptors=limits.CONNECTIONS + _SPARE_DESCRIPTORS,
    )
    control = socket.socket(fileno=os.dup(0))
    control.setblocking(False)
    events = socket.socket(fileno=os.dup(1))
    events.setblocking(False)
    asyncio.run(run(control, events))


main()
