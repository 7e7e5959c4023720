"""Which runtime ``auto`` is: this machine itself where its rights are enough, else an engine.

Owns the decision and the words for it; starts nothing.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from pytest_ato.model.errors import CaptureUnavailable

_SYS_ADMIN: Final = 21


@dataclass(frozen=True)
class Decision:
    """A runtime, and why it was chosen."""

    name: Literal["local", "docker"]
    why: str


@cache
def decide() -> Decision:
    """Choose once for this process. Where neither can work it is ``local``, whose error says what
    to do."""
    refused = _why_not_local()
    if not refused:
        by = "root" if os.geteuid() == 0 else "sudo"
        return Decision("local", f"{by} here")
    from pytest_ato.runtime.docker import engine

    try:
        engine.connect().close()
    except CaptureUnavailable as error:
        return Decision("local", f"{refused}; {error}")
    return Decision("docker", f"{refused}, but a container engine")


def _why_not_local() -> str:
    from pytest_ato.runtime import local

    if os.geteuid() == 0:
        return "" if _capable() else "root without CAP_SYS_ADMIN here"
    return "" if local.has_sudo() else "no root here"


def _capable() -> bool:
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^CapEff:\s*(\w+)", status, re.MULTILINE)
    return bool(found and int(found[1], 16) >> _SYS_ADMIN & 1)
