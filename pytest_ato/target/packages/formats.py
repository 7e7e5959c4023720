"""What kind of archive a file is, by its first bytes: names are the vendor's to choose."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pytest_ato.target import files

_STARTS: Final = (
    (b"!<arch>\ndebian-binary", "deb"),
    (b"\xed\xab\xee\xdb", "rpm"),
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b", "tar"),
    (b"BZh", "tar"),
    (b"\xfd7zXZ\0", "tar"),
    (b"\x28\xb5\x2f\xfd", "tar"),
)
_USTAR: Final = 257
"""Where an uncompressed tar file has its magic word (POSIX.1, pax)."""
_READ: Final = 512


def kind(path: Path) -> str:
    """Return ``deb``, ``rpm``, ``zip`` or ``tar`` (also compressed); empty for anything else."""
    with files.open_regular(path, "target") as file:
        start = os.pread(file.fileno(), _READ, 0)
    if start[_USTAR : _USTAR + 5] == b"ustar":
        return "tar"
    return next((name for magic, name in _STARTS if start.startswith(magic)), "")
