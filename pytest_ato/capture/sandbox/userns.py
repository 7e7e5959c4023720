"""The user namespace of an image's sandbox: its ids 0 to 65535 are a range that nobody else has."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from pytest_ato.capture.sandbox.errors import SandboxError
from pytest_ato.capture.sandbox.initfile import INIT

_IDS: Final = 1 << 16


def make(first: int) -> int:
    """Return a descriptor of a new namespace in which id 0 is `first` of the host, and so on.

    The namespace lives as long as the descriptor, or a process in it. Raises SandboxError.
    """
    process = subprocess.Popen(
        [str(INIT), "userns"],
        env={},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        if process.stdout.read(1) != b"\0":
            words = process.stderr.read(200).decode("utf-8", "replace").strip()
            raise SandboxError(f"an image's audit needs a user namespace: {words}")
        place = Path("/proc", str(process.pid))
        try:
            for name in ("uid_map", "gid_map"):
                (place / name).write_text(f"0 {first} {_IDS}\n")
            return os.open(place / "ns/user", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise SandboxError(
                f"the ids of an image's audit cannot be mapped: {error.strerror}"
            ) from error
