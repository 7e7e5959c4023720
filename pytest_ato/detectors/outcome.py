"""What became of a call, in the words of findings: granted, refused, or failed for want of a thing.

Owns which errors mean "the sandbox said no". An attempt that was refused is evidence, too: what
says no here may not be there where the program is used.
"""

from __future__ import annotations

import errno
from typing import Final

REFUSED: Final = frozenset({-errno.EACCES, -errno.EPERM, -errno.EROFS})
"""Results of a call that was understood and not allowed."""
NO_SUCH_PROCESS: Final = frozenset({-errno.ENOENT, -errno.ESRCH})
"""Results of naming a process that is not there."""


def outcome(result: int) -> str:
    """Empty for a call that was granted; else ``, refused (EPERM)`` or ``, failed (ENOENT)``."""
    if result >= 0:
        return ""
    word = "refused" if result in REFUSED else "failed"
    return f", {word} ({errno.errorcode.get(-result, f'error {-result}')})"
