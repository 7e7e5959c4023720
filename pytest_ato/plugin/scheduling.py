"""pytest-xdist: which worker gets which items.

Imported only where pytest-xdist deals the items of a session with targets. Invents no scheduler: it
groups the items of one target by the means of `LoadScopeScheduling`; every other test stays a group
of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from pytest_ato.plugin.session import session_of

if TYPE_CHECKING:
    from xdist.remote import Producer  # type: ignore[import-untyped]
    from xdist.scheduler.protocol import Scheduling  # type: ignore[import-untyped]


def scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Group the items of one target, unless the user chose how to distribute."""
    chosen = any(arg.split("=")[0] == "--dist" for arg in map(str, config.invocation_params.args))
    if chosen or config.getoption("dist") != "load":
        return None
    return TargetScheduling(config, log)


class TargetScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Load scheduling in which the items of one target go to one worker."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self._targets = frozenset(session_of(config).subjects)

    def _split_scope(self, nodeid: str) -> str:
        target = nodeid.split("::", 1)[0]
        return target if target in self._targets else nodeid
