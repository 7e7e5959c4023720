"""Reading tables and lists that a user gives: text of any size, in the forms that tools write."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show


def read_text(path: Path, what: str) -> tuple[str, str]:
    """Return a regular file's text, without a byte order mark, and its SHA-256; raises UsageError.

    `what` says in words what the file is for.
    """
    name = show(str(path))
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would keep us waiting
            raise UsageError(f"{what} {name} is no regular file")
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {what} {name}: {error.strerror}") from None
    try:
        return data.decode("utf-8-sig"), hashlib.sha256(data).hexdigest()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{name}:{line}: {what} must be UTF-8 text") from None
