"""What anybody can do to a folder of evidence, and who reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

Ato: TypeAlias = Callable[..., tuple[int, str]]
"""Runs `ato`; gives exit code and all output."""
Verify: TypeAlias = Ato
"""Runs `ato verify`."""


def mend_sidecar(path: Path) -> None:
    """What anybody can do after a change: recompute the checksum beside the file."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n")


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))
