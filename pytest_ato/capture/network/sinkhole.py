"""The sinkhole process as capture sees it: started, told, listened to, ended.

Owns the control socket and the stream of records, which is decoded strictly: the
process reads hostile bytes, so what it writes is not trusted either. Parses nothing else.
"""

from __future__ import annotations

import select
import socket
import time

from pytest_ato.capture.network import confinement, rules
from pytest_ato.capture.network.helper import EOF, Helper
from pytest_ato.capture.sinkhole import wire
from pytest_ato.capture.sinkhole.limits import LINE
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.malformed import MALFORMED

_READ = 1 << 16
_READS_IN_A_ROW = 64


class Sinkhole(Helper):
    """One sinkhole process inside the gateway's namespace."""

    def __init__(self, gateway: int, uid: int) -> None:
        """Start it; raises `CaptureUnavailable` when a program is missing.

        Must be called in the main thread: the process dies with the thread that started it.
        """
        self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._events, events = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._events.setblocking(False)
        self._buffer = b""
        with control, events:
            command = [*rules.enter(gateway), *confinement.sinkhole(uid)]
            super().__init__(command, control, events)

    def fileno(self) -> int:
        """Return the descriptor that is readable when there are records."""
        return self._events.fileno()

    def tell(self, order: wire.Order, sockets: list[socket.socket] | None = None) -> None:
        """Send an order; raises `CaptureUnavailable` when nobody is there to take it."""
        descriptors = [sock.fileno() for sock in sockets or []]
        message = wire.encode(order)
        if len(message) > wire.ORDER_BYTES:
            raise CaptureUnavailable("the policy declares more names than a network is limited to")
        try:
            socket.send_fds(self._control, [message], descriptors)
        except OSError as error:
            raise CaptureUnavailable(f"the sinkhole is gone: {self.why()}") from error

    def read(self) -> list[wire.Record]:
        """Return the records that have come; never waits."""
        records: list[wire.Record] = []
        for _ in range(_READS_IN_A_ROW):
            if self.broken:
                break
            try:
                data = self._events.recv(_READ)
            except BlockingIOError:
                break
            except OSError as error:
                self.broken = str(error)
                break
            if not data:
                self.broken = EOF
                break
            records += self._decode(data)
        return records

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to read; returns whether there is."""
        poll = select.poll()
        poll.register(self._events, select.POLLIN)
        return bool(poll.poll(max(0, round(seconds * 1000))))

    def close(self) -> None:
        """End the process and give everything back; may be called twice."""
        self._control.close()  # it ends by itself at this
        self._events.close()
        self.end()

    def _decode(self, data: bytes) -> list[wire.Record]:
        *lines, rest = (self._buffer + data).split(b"\n")
        records: list[wire.Record] = []
        try:
            for line in lines:
                records.append(wire.decode_record(line))
        except MALFORMED as error:
            self.broken = f"it sent a malformed record ({error})"
            rest = b""
        self._buffer = rest
        if len(rest) > LINE:
            self.broken = "it sent an endless line"
        return records


def ready(sinkhole: Sinkhole, seconds: float) -> None:
    """Wait for its first record; raises `CaptureUnavailable` when it dies, or time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        sinkhole.wait(deadline - time.monotonic())
        if any(isinstance(record, wire.Ready) for record in sinkhole.read()):
            return
        if not sinkhole.alive():
            raise CaptureUnavailable(f"the sinkhole did not start: {sinkhole.why()}")
    raise CaptureUnavailable(f"the sinkhole did not start within {seconds:.0f} s")
