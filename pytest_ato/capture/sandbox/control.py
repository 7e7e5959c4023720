"""What init says on the control socket, decoded.

Owns the messages' wire format (`struct message` in init.c): one datagram a message.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TypeAlias

from pytest_ato.capture.sandbox.errors import SandboxError

NONCE_SIZE = 8


def go(nonce: str) -> bytes:
    """Return the message that init waits for; `nonce` (ASCII) names its canary."""
    data = nonce.encode("ascii")
    if len(data) != NONCE_SIZE:
        raise ValueError(f"a nonce has {NONCE_SIZE} characters")
    return b"G" + data


MESSAGE = struct.Struct("=Iii")

_READY, _FAILED, _EXITED, _EMPTY = 1, 2, 3, 4
_EXEC = 0
_STEPS = {
    1: "the standard streams",
    2: "the limits",
    3: "the unprivileged user",
    4: "the keyrings",
    5: "the working directory",
    6: "the filter of socket families",
}
"""`enum step` of init.c."""


@dataclass(frozen=True)
class Ready:
    """The sandbox is finished; init waits."""


@dataclass(frozen=True)
class ExecFailed:
    """The target could not be executed; `TargetExited` follows, and means nothing."""

    errno: int

    @property
    def reason(self) -> str:
        """One sentence for the report."""
        return f"the target could not be executed: {os.strerror(self.errno)}"


@dataclass(frozen=True)
class SetupFailed:
    """What precedes exec failed, which is no fault of the target's; `TargetExited` follows."""

    step: str
    errno: int

    @property
    def reason(self) -> str:
        """One sentence for the report."""
        return f"the sandbox could not set {self.step}: {os.strerror(self.errno)}"


@dataclass(frozen=True)
class TargetExited:
    """The target's main process ended; its descendants may live on. `signal` 0: none."""

    status: int
    signal: int


@dataclass(frozen=True)
class Empty:
    """Nobody is left in the sandbox but init, which exits now."""


@dataclass(frozen=True)
class Closed:
    """Init has gone; the last message. Without `Empty` before it, the sandbox was killed."""


ControlMessage: TypeAlias = Ready | ExecFailed | SetupFailed | TargetExited | Empty | Closed


def decode(data: bytes) -> ControlMessage:
    """Decode one datagram, which is empty at the end of the stream.

    Raises SandboxError for what no init of this version says.
    """
    if not data:
        return Closed()
    if len(data) != MESSAGE.size:
        raise SandboxError(f"init sent {len(data)} bytes: rebuild it (python build_native.py)")
    kind, first, second = MESSAGE.unpack(data)
    if kind == _READY:
        return Ready()
    if kind == _FAILED and first == _EXEC:
        return ExecFailed(second)
    if kind == _FAILED and first in _STEPS:
        return SetupFailed(_STEPS[first], second)
    if kind == _EXITED:
        return TargetExited(first, second)
    if kind == _EMPTY:
        return Empty()
    raise SandboxError(f"init sent message {kind}: rebuild it (python build_native.py)")
