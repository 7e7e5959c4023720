"""The finder's process: ``python -m pytest_ato.capture.finder UID``.

Standard input is a socket of packets: an order and a descriptor in, an answer out. It starts as
root without capabilities but those to change its user, and gives them up before it reads anything.
"""

from __future__ import annotations

import os
import socket
import sys

import msgspec

from pytest_ato.capture import privileges
from pytest_ato.capture.finder import wire
from pytest_ato.capture.finder.search import look

_MEMORY = 1 << 30
_DESCRIPTORS = 16


def main() -> None:
    """Answer until capture closes the socket."""
    privileges.drop(int(sys.argv[1]), memory=_MEMORY, descriptors=_DESCRIPTORS)
    control = socket.socket(fileno=os.dup(0))
    control.send(msgspec.json.encode(wire.Ready()))
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, wire.LIMIT, 1)
        if not message:
            return
        order = msgspec.json.decode(message, type=wire.Look)
        with os.fdopen(descriptors[0], "rb", buffering=0) as file:
            control.send(msgspec.json.encode(look(order.number, file)))


main()
