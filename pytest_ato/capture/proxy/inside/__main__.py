"""The proxy process: ``python -m inside UID PORT SINK BUNDLE``, in mitmproxy's environment.

Standard input brings the certificate authority, up to a zero byte, and ends the process when it is
closed; standard output is the stream of frames, a socket. It starts as root without capabilities
but those to change its user, loads what it needs, and gives them up before it reads a client's
first byte. `SINK` is the sinkhole's port for plaintext, or 0: then true servers are asked, and
`BUNDLE` is whom they are checked against.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import resource
import socket
import struct
import sys

from mitmproxy.options import Options

from .certificates import Certificates
from .channel import Channel
from .frames import FAULT, READY
from .handler import Handler

_MEMORY = 1 << 30
_ERRORS = 64 << 10
_DESCRIPTORS = 8192
_BACKLOG = 1024


class Faults(logging.Handler):
    """Tells the sinkhole of every error that mitmproxy did not expect, and nothing of the rest."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(logging.ERROR)
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        """Write one fault in words."""
        error = record.exc_info[1] if record.exc_info else None
        words = repr(error) if error else record.getMessage()
        self._channel.put(FAULT, 0, words[:300].encode("ascii", "backslashreplace"))


def drop_privileges(uid: int) -> None:
    """Bound what this process can use, and become `uid` for good: no group, no capability."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS,) * 2)
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_ERRORS, _ERRORS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    # struct __user_cap_header_struct {version 3, this process} and two empty data structs
    if ctypes.CDLL(None).capset(struct.pack("@Ii", 0x20080522, 0), bytes(24)) != 0:
        raise SystemExit("capabilities could not be dropped")


def options() -> Options:
    """Return mitmproxy's options, with those that its layers read and its addons would add."""
    made = Options()
    for name, kind, value in (
        ("connection_strategy", str, "lazy"),
        ("stream_large_bodies", str | None, None),
        ("body_size_limit", str | None, None),
        ("keep_host_header", bool, True),
        ("validate_inbound_headers", bool, False),
        ("normalize_outbound_headers", bool, True),
    ):
        made.add_option(name, kind, value, "")
    return made


async def serve(certificates: Certificates, port: int, sink: int | None) -> None:
    """Serve until standard input or the stream of frames is closed."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    _, writer = await asyncio.open_connection(sock=socket.socket(fileno=os.dup(1)))
    channel = Channel(writer)
    logging.getLogger().addHandler(Faults(channel))
    chosen = options()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Handler((reader, writer), chosen, certificates, channel, sink).serve()

    def ended() -> None:
        loop.remove_reader(0)
        if not over.done():
            over.set_result(None)

    loop.add_reader(0, ended)
    async with await asyncio.start_server(handle, "127.0.0.1", port, backlog=_BACKLOG):
        channel.put(READY, 0)
        await over


def main() -> None:
    """Take the authority, drop all privileges, serve."""
    uid, port, sink = map(int, sys.argv[1:4])
    pem = b""
    while not pem.endswith(b"\0"):
        piece = os.read(0, 1 << 16)
        if not piece:
            raise SystemExit("no certificate authority came")
        pem += piece
    certificates = Certificates(pem[:-1], sys.argv[4])
    certificates.server_side("warm.example", "192.0.2.1")
    if not sink:  # the bundle may be readable by root alone
        certificates.client_side("warm.example", [])
    drop_privileges(uid)
    asyncio.run(serve(certificates, port, sink or None))


if __name__ == "__main__":
    main()
