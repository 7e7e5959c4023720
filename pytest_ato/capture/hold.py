"""Back-pressure: a target that does more than can be read is held until the reader has caught up.

Owns freezing the audit's cgroup. It bounds what a target can write to the spool's disk; the rings
are too small for it: they fill in less time than a freeze takes to reach every process.
"""

from __future__ import annotations

import time
from typing import Final

from pytest_ato.capture.cgroups import AuditCgroup

_LIMIT: Final = 1 << 30


class Hold:
    """Holds what is in `cgroup` while more than `limit` bytes lie in the spool's file."""

    def __init__(self, cgroup: AuditCgroup, limit: int = _LIMIT) -> None:
        self._cgroup = cgroup
        self._limit = limit
        self._since: float | None = None
        self._seconds = 0.0

    @property
    def holding(self) -> bool:
        """Whether the target is held now."""
        return self._since is not None

    @property
    def seconds(self) -> float:
        """For how long the target was held so far."""
        return self._seconds + (time.monotonic() - self._since if self._since else 0.0)

    def weigh(self, spilled: int) -> None:
        """Look at what lies in the file: hold beyond the limit, let go when it is empty."""
        if self._since is None and spilled > self._limit:
            self._since = time.monotonic()
            self._cgroup.freeze(True)
        elif self._since is not None and not spilled:
            self.release()

    def release(self) -> None:
        """Let the target go on, if it is held."""
        if self._since is not None:
            self._seconds, self._since = self.seconds, None
            self._cgroup.freeze(False)
