"""Whose a place on disk is, before something is written there that others must not steer.

Owns who counts as ourselves, and the refusal of links. Imports nothing of ours.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

_SYSTEM: Final = (Path("/"), Path("/var"))
"""Where distributions have links of their own, such as /var/run."""


def is_ours(uid: int) -> bool:
    """Whether a file of this user may steer us: root's, ours, or of who called us by sudo."""
    return uid in (0, os.geteuid()) or (
        os.geteuid() == 0 and os.environ.get("SUDO_UID") == str(uid)
    )


def link_in(path: Path) -> Path | None:
    """Return the first link that `path` leads through, itself included; None: there is none.

    A link can be led elsewhere between two looks at it; who meant the place it leads to can name
    that. Raises `OSError`.
    """
    absolute = path.absolute()  # not resolved: that would follow them, and take out ..
    for part in (*reversed(absolute.parents), absolute):
        try:
            found = part.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISLNK(found.st_mode) and (found.st_uid != 0 or part.parent not in _SYSTEM):
            return part
    return None


def stranger(path: Path) -> int | None:
    """Return the uid of whom `path` belongs to if that is not us; None: ours, or not there."""
    try:
        uid = path.lstat().st_uid
    except FileNotFoundError:
        return None
    return None if is_ours(uid) else uid
