"""One audit container, from its creation to its removal.

Owns its settings, the streams attached to its main process, and the certainty of its end: whatever
happens to container or engine, the pipe that events are read from ends too.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Final

from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.runtime.docker import owner
from pytest_ato.runtime.docker.engine import Engine, connect, reason

_PYTHON: Final = "/opt/pytest-ato/bin/python"
_KEEPER: Final = (_PYTHON, "-I", "-m", "pytest_ato.capture.keeper")
_SLOTS: Final = "/run/pytest-ato-containers:/run/pytest-ato:rw"
"""A folder of the engine's own machine, in memory, that all audit containers there share: by the
locks in it, each removes what a dead one left."""
_CLOSE: Final = 10.0
"""Seconds that a container may take to clean up when its input ends."""
_QUIET: Final = 1.0
"""Seconds without output after which a dead container has no more."""
_ERRORS: Final = 1 << 16
_FRAME: Final = struct.Struct(">BxxxI")
_STDOUT: Final = 1


@dataclass(frozen=True)
class Level:
    """How much a container may do."""

    words: str
    options: dict[str, Any]


CAPABILITIES: Final = ("SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE")
LEVELS: Final = (
    Level(
        f"container with {', '.join(CAPABILITIES)}",
        {
            "cap_add": list(CAPABILITIES),
            # bubblewrap's pivot_root and mounts are what the default profiles refuse
            "security_opt": ["seccomp=unconfined", "apparmor=unconfined", "label=disable"],
        },
    ),
    Level("privileged container", {"privileged": True}),
)
"""In the order in which they are tried."""


class Container:
    """A started container; `stdout` is the read end of a pipe with what its main process writes."""

    def __init__(self, engine: Engine, image: str, level: Level, command: str) -> None:
        """Create, attach and start. Raises CaptureUnavailable when the engine refuses."""
        self._engine = engine
        self._ended = threading.Event()
        self._fate = ""
        self._errors = bytearray()
        self._heard = time.monotonic()
        try:
            self.id = _create(engine, image, level, command)
        except Exception as error:
            raise CaptureUnavailable(f"no audit container can be made: {reason(error)}") from None
        try:
            self._stream = engine.attach_socket(
                self.id, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            )
            self._socket: socket.socket = getattr(self._stream, "_sock", self._stream)
            self._socket.settimeout(None)
            engine.start(self.id)
        except Exception as error:
            self._remove()  # a start that was refused leaves it behind
            raise CaptureUnavailable(
                f"the audit container could not be started: {reason(error)}"
            ) from None
        self.stdout, self._pipe = os.pipe()
        threading.Thread(target=self._pump, name="ato-pump", daemon=True).start()
        threading.Thread(target=self._watch, name="ato-watch", daemon=True).start()

    @property
    def name(self) -> str:
        """Short id, as the engine's own tools show it."""
        return str(self.id)[:12]

    def send(self, data: bytes) -> None:
        """Write to its standard input; what a dead one does not take is dropped."""
        with suppress(OSError):
            self._socket.sendall(data)

    def put(self, place: str, archive: IO[bytes]) -> None:
        """Unpack a tar in it; raises CaptureUnavailable with the engine's reason."""
        try:
            self._engine.put_archive(self.id, place, archive)
        except Exception as error:
            raise CaptureUnavailable(
                f"the target's files cannot be put into the audit container: {reason(error)}"
            ) from None

    def fate(self) -> str:
        """How it ended and its last words, in one line; empty while it runs."""
        self._ended.wait(_QUIET)
        lines = bytes(self._errors).decode(errors="replace").strip().splitlines()
        return ": ".join(filter(None, (self._fate, *lines[-1:])))

    def close(self) -> None:
        """End its input, so that it cleans up and ends; remove it if it does not."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        if not self._ended.wait(_CLOSE):
            self._remove()
            self._ended.wait(_QUIET)
        self._hang_up()
        with suppress(OSError):
            os.close(self.stdout)
        self.stdout = -1

    # --- in threads of their own ---

    def _pump(self) -> None:
        """Carry what the engine sends into the pipe, until either ends."""
        buffer = bytearray()
        with suppress(OSError), os.fdopen(self._pipe, "wb", buffering=0) as pipe:
            while data := self._socket.recv(1 << 18):
                self._heard = time.monotonic()
                buffer += data
                for kind, payload in _frames(buffer):
                    if kind == _STDOUT:
                        _write(pipe.fileno(), payload)
                    else:
                        self._errors += payload
                        del self._errors[:-_ERRORS]
                self._heard = time.monotonic()

    def _watch(self) -> None:
        """Wait for the end; engines leave a stream open whose container was killed."""
        try:
            status = connect(timeout=None).wait(self.id)["StatusCode"]
            self._fate = f"the audit container ended with {status}"
            if status == 137:
                self._fate = "the audit container was killed, or ran out of memory"
        except Exception as error:
            self._fate = _gone(error)
        while time.monotonic() - self._heard < _QUIET and not self._ended.is_set():
            time.sleep(_QUIET / 10)
        self._ended.set()
        self._hang_up()

    def _hang_up(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _remove(self) -> None:
        with suppress(Exception):  # gone already, or the engine is
            self._engine.timeout = _CLOSE
            self._engine.remove_container(self.id, force=True, v=True)


def _create(engine: Engine, image: str, level: Level, command: str) -> str:
    settings = engine.create_host_config(
        auto_remove=True,
        binds=[_SLOTS],
        cgroupns="host",
        network_mode="bridge",
        pid_mode="host",  # or the kernel's numbers of processes would not be capture's
        userns_mode="host",
        **level.options,
    )
    if not level.options.get("privileged"):
        settings["MaskedPaths"] = settings["ReadonlyPaths"] = []  # /proc/sys of namespaces
    made = engine.create_container(
        image,
        entrypoint=[*_KEEPER],
        command=[command],
        user="0:0",
        stdin_open=True,
        host_config=settings,
        labels={owner.LABEL: owner.own()},
        working_dir="/",
    )
    return str(made["Id"])


def _frames(buffer: bytearray) -> list[tuple[int, bytes]]:
    """Take the whole frames from `buffer` (the attach call of the engine's API, version 1.41)."""
    found = []
    at = 0
    while len(buffer) - at >= _FRAME.size:
        kind, size = _FRAME.unpack_from(buffer, at)
        end = at + _FRAME.size + size
        if end > len(buffer):
            break
        found.append((kind, bytes(buffer[at + _FRAME.size : end])))
        at = end
    del buffer[:at]
    return found


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _gone(error: Exception) -> str:
    from docker.errors import NotFound

    if isinstance(error, NotFound):
        return "the audit container was removed"
    return f"the container engine went away: {reason(error)}"
