"""A process of ours that serves the gateway: started, watched, ended.

Owns the process and its last words. What is said to it and by it is its owner's.
"""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import suppress

_ERRORS_SHOWN = 300
_STOP_SECONDS = 2.0
_LAST_SECONDS = 0.5
EOF = "it closed its stream"


class Helper:
    """One process; `broken` says why it can no longer be used, and is empty while it can."""

    def __init__(
        self, command: list[str], stdin: socket.socket, stdout: socket.socket, *inherited: int
    ) -> None:
        """Start it; raises `CaptureUnavailable` when a program is missing. `inherited` are
        further descriptors that it gets, under their numbers.

        Must be called in the main thread: the process dies with the thread that started it.
        """
        self.broken = ""
        self._errors = os.memfd_create("errors", os.MFD_CLOEXEC)
        self._process = subprocess.Popen(
            command,
            stdin=stdin.fileno(),
            stdout=stdout.fileno(),
            stderr=self._errors,
            env={},
            cwd="/",
            start_new_session=True,
            pass_fds=inherited,
        )

    def alive(self) -> bool:
        """Whether it runs, and has said nothing that it must not say."""
        if not self.broken and self._process.poll() is not None:
            self.broken = f"it ended with status {self._process.returncode}"
        return not self.broken

    def why(self) -> str:
        """Return on one line why it can no longer be used."""
        if self.broken == EOF:  # the process ends with its stream, or a moment later
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

    def end(self) -> None:
        """Wait until it has ended, which it does when its standard input is closed; else kill it.

        May be called twice.
        """
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
