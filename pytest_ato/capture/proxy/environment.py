"""mitmproxy's own environment: what of it the proxy's sandbox shows.

mitmproxy is never imported by this package: its dependencies would decide the versions of ours.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_ato.model.errors import CaptureUnavailable

REQUIREMENT = "mitmproxy>=11,<13"
_USUAL = Path(sys.prefix) / "mitmproxy"
CURE = f"{sys.executable} -m venv {_USUAL} && {_USUAL}/bin/pip install '{REQUIREMENT}'"


def packages(environment: Path) -> Path:
    """Return the directory of the environment's packages; raises `CaptureUnavailable`."""
    found = sorted(environment.glob("lib/python3.*/site-packages/mitmproxy"))
    if not found:
        raise CaptureUnavailable(f"{environment} has no mitmproxy: {CURE}")
    return found[-1].parent


def version(environment: Path) -> str:
    """Return mitmproxy's version, from the name of its metadata; raises `CaptureUnavailable`."""
    found = sorted(packages(environment).glob("mitmproxy-*.dist-info"))
    return found[-1].name.removesuffix(".dist-info").partition("-")[2] if found else "unknown"


def interpreter(environment: Path) -> Path:
    """Return the interpreter that the environment was made with; raises `CaptureUnavailable`."""
    try:
        return (environment / "bin/python").resolve(strict=True)
    except OSError as error:
        raise CaptureUnavailable(f"{environment} has no interpreter any more: {CURE}") from error
