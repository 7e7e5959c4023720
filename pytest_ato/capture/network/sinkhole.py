"""The sinkhole process as capture sees it: started, told, listened to, ended.

Owns the process, the control socket and the stream of records, which is decoded strictly: the
process reads hostile bytes, so what it writes is not trusted either. Parses nothing else.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import time
from contextlib import suppress

import msgspec

from pytest_ato.capture.network import confinement, rules
from pytest_ato.capture.sinkhole import wire
from pytest_ato.capture.sinkhole.limits import LINE
from pytest_ato.model.errors import CaptureUnavailable

_READ = 1 << 16
_READS_IN_A_ROW = 64
_ERRORS_SHOWN = 300
_STOP_SECONDS = 2.0
_LAST_SECONDS = 0.5
_EOF = "it closed its stream"


class Sinkhole:
    """One sinkhole process inside the gateway's namespace."""

    def __init__(self, gateway: int, uid: int) -> None:
        """Start it; raises `CaptureUnavailable` when a program is missing.

        Must be called in the main thread: the process dies with the thread that started it.
        """
        command = [*rules.enter(gateway), *confinement.command(uid)]
        self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._events, events = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._events.setblocking(False)
        self._errors = os.memfd_create("errors", os.MFD_CLOEXEC)
        self._buffer = b""
        self.broken = ""
        """Why the process can no longer be used; empty while it can."""
        with control, events:
            self._process = subprocess.Popen(
                command,
                stdin=control.fileno(),
                stdout=events.fileno(),
                stderr=self._errors,
                env={},
                cwd="/",
                start_new_session=True,
            )

    def fileno(self) -> int:
        """Return the descriptor that is readable when there are records."""
        return self._events.fileno()

    def alive(self) -> bool:
        """Whether it runs, and has said nothing that it must not say."""
        if not self.broken and self._process.poll() is not None:
            self.broken = f"it ended with status {self._process.returncode}"
        return not self.broken

    def tell(self, order: wire.Order, sockets: list[socket.socket] | None = None) -> None:
        """Send an order; raises `CaptureUnavailable` when nobody is there to take it."""
        descriptors = [sock.fileno() for sock in sockets or []]
        try:
            socket.send_fds(self._control, [wire.encode(order)], descriptors)
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
                self.broken = _EOF
                break
            records += self._decode(data)
        return records

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to read; returns whether there is."""
        poll = select.poll()
        poll.register(self._events, select.POLLIN)
        return bool(poll.poll(max(0, round(seconds * 1000))))

    def why(self) -> str:
        """Return on one line why it can no longer be used."""
        if self.broken == _EOF:  # the process ends with its stream, or a moment later
            with suppress(subprocess.TimeoutExpired):
                self.broken = f"it ended with status {self._process.wait(_LAST_SECONDS)}"
        if self.alive():
            return "it does not listen"
        words = "" if self._process.poll() is None else self._last_words()
        return f"{self.broken}: {words}" if words else self.broken

    def _last_words(self) -> str:
        """Return the last line of its standard error, printable."""
        size = os.fstat(self._errors).st_size
        text = os.pread(self._errors, _ERRORS_SHOWN, max(0, size - _ERRORS_SHOWN))
        lines = text.decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return "".join(char if char.isprintable() else " " for char in last)

    def close(self) -> None:
        """End the process and give everything back; may be called twice."""
        self._control.close()  # it ends by itself at this
        self._events.close()
        if self.broken:
            self.kill()
        elif self._process.returncode is None:
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        if self._errors >= 0:
            os.close(self._errors)
            self._errors = -1

    def kill(self) -> None:
        """End it at once; its sandbox dies with it."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def _decode(self, data: bytes) -> list[wire.Record]:
        *lines, rest = (self._buffer + data).split(b"\n")
        records: list[wire.Record] = []
        try:
            for line in lines:
                records.append(wire.decode_record(line))
        except msgspec.DecodeError as error:
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
