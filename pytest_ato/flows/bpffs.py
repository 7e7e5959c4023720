"""The file system that maps are pinned in."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Final

_MAGIC: Final = 0xCAFE4A11
"""BPF_FS_MAGIC (linux/magic.h)."""


def holds(path: Path) -> bool:
    """Whether `path` is there and on a BPF file system."""
    buffer = (ctypes.c_long * 32)()  # struct statfs, which starts with the magic number
    return ctypes.CDLL(None).statfs(os.fsencode(path), buffer) == 0 and buffer[0] == _MAGIC
