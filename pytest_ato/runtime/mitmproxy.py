"""Where mitmproxy's own environment is, for a capture process on this machine.

Owns the search, which is the user's: capture gets the answer and looks for nothing itself.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from pytest_ato.model.errors import CaptureUnavailable

VARIABLE = "ATO_MITMPROXY"
"""Names a virtual environment that has mitmproxy, or the mitmdump in it; empty: none."""


def find(environment: Mapping[str, str]) -> Path | None:
    """Return the virtual environment that has mitmproxy, or None: TLS is then not decrypted.

    `VARIABLE` alone decides where it is set. Else it is ``mitmproxy`` inside our own environment,
    or the one that the ``mitmdump`` in PATH belongs to. Raises `CaptureUnavailable` when the
    variable names neither.
    """
    named = environment.get(VARIABLE)
    if named is None:
        dump = shutil.which("mitmdump", path=environment.get("PATH", ""))
        places = [Path(sys.prefix) / "mitmproxy", *_around(dump or "")]
        return next(filter(_has_mitmproxy, places), None)
    found = next(filter(_has_mitmproxy, _around(named)), None)
    if named and found is None:
        raise CaptureUnavailable(f"{VARIABLE}={named} is no virtual environment with mitmproxy")
    return found


def _around(named: str) -> list[Path]:
    """The place itself, and the environment that a program in it would belong to."""
    path = Path(named).absolute()
    return [path, path.resolve().parent.parent] if named else []


def _has_mitmproxy(place: Path) -> bool:
    return (place / "pyvenv.cfg").is_file() and any(
        place.glob("lib/python3.*/site-packages/mitmproxy/certs.py")
    )
