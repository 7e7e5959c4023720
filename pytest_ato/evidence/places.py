"""Where this user's own files lie: the key that signs, the keys that are trusted.

Owns the XDG base directories (freedesktop.org, 0.8) as this package uses them.
"""

from __future__ import annotations

import os
from pathlib import Path

from pytest_ato.model.errors import UsageError


def state() -> Path:
    """Directory of what this package makes and keeps, such as the key file."""
    return _base("XDG_STATE_HOME", ".local/state") / "pytest-ato"


def config() -> Path:
    """Directory of what the user decided, such as pinned keys."""
    return _base("XDG_CONFIG_HOME", ".config") / "pytest-ato"


def _base(variable: str, default: str) -> Path:
    value = os.environ.get(variable, "")
    if value.startswith("/"):  # the specification has relative ones ignored
        return Path(value)
    try:
        return Path.home() / default
    except RuntimeError:
        raise UsageError(f"this user has no home directory; set {variable}") from None
