"""The finder's process as capture sees it: started, asked, listened to, ended.

Owns the process and its socket. What it answers is decoded strictly and checked by whoever asked:
it reads hostile files. One that dies, or takes too long, is replaced.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import time
from typing import Final

import msgspec

from pytest_ato.capture.finder import wire
from pytest_ato.capture.network import confinement
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.malformed import MALFORMED

_MODULE: Final = "pytest_ato.capture.finder"
_IMPORTS: Final = ("pytest_ato", "msgspec", "capstone")
_START: Final = 20.0
_ANSWER: Final = msgspec.json.Decoder(wire.Found)


class Finder:
    """A process that looks into files; `uid` is an unused user.

    Make it in the main thread: the process ends with the thread that started it. Raises
    `CaptureUnavailable` when a program is missing.
    """

    def __init__(self, uid: int) -> None:
        command = confinement.command(confinement.own(_IMPORTS), _MODULE, [str(uid)])
        command[1:1] = ["--unshare-net"]
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        self._waiting: dict[int, float] = {}
        self._ready = False
        self.broken = ""
        """Why it can no longer be used; empty while it can."""

    def ask(self, number: int, descriptor: int) -> None:
        """Have a file looked into; the answer comes by `read`."""
        if self.broken or not self._started():
            return
        try:
            message = msgspec.json.encode(wire.Look(number))
            socket.send_fds(self._control, [message], [descriptor])
        except OSError as error:
            self.broken = f"it does not listen: {error.strerror}"
        self._waiting[number] = time.monotonic()

    @property
    def waiting(self) -> bool:
        """Whether it still owes answers."""
        return bool(self._waiting) and not self.broken

    def slow(self, seconds: float) -> bool:
        """Whether it has been at one file for longer than that."""
        first = next(iter(self._waiting.values()), None)
        return first is not None and time.monotonic() - first > seconds

    def read(self, seconds: float = 0.0) -> list[wire.Found]:
        """Return the answers that have come, after waiting for a first one at most so long."""
        found: list[wire.Found] = []
        while not self.broken and self._readable(0.0 if found else seconds):
            message = self._packet()
            if not message:
                break
            try:
                answer = _ANSWER.decode(message)
            except MALFORMED as error:
                self.broken = f"it sent a malformed answer ({error})"
                break
            if self._waiting.pop(answer.number, None) is None:
                self.broken = "it answered what it was not asked"
                break
            # Those behind it wait for it no longer.
            self._waiting = dict.fromkeys(self._waiting, time.monotonic())
            found.append(answer)
        return found

    def _started(self) -> bool:
        if not self._ready and self._readable(_START):
            self._ready = b"ready" in self._packet()
        if not self._ready and not self.broken:
            self.broken = "it did not start"
        return self._ready

    def _packet(self) -> bytes:
        try:
            message = self._control.recv(wire.LIMIT)
        except OSError as error:
            self.broken = str(error)
            return b""
        if not message:
            self.broken = "it ended"
        return message

    def _readable(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        return bool(poll.poll(max(0, round(seconds * 1000))))

    def close(self) -> None:
        """End the process, which has nothing to put in order; may be called twice."""
        self._control.close()
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()


def start(uid: int) -> Finder | None:
    """Start one; None where there can be none, which costs coverage only."""
    try:
        return Finder(uid)
    except (CaptureUnavailable, OSError):
        return None


def open_file(path: str) -> int:
    """Open a regular file to look into; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not os.path.isfile(f"/proc/self/fd/{descriptor}"):  # noqa: PTH113
        os.close(descriptor)
        raise OSError("it is no regular file")
    return descriptor
